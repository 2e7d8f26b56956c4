"""HEALTHCHECK of the address books: any answer will do."""

from http.client import HTTPConnection

connection = HTTPConnection("127.0.0.1", 5232, timeout=3)
connection.request("OPTIONS", "/")
print(connection.getresponse().status)
