"""A Flask route that does nothing: what a request costs before anybody thinks."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def nothing():
    return jsonify(ok=True)
