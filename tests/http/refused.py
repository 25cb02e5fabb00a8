"""Requests that must be refused, each with its right answer: name, status, bytes (HOST is replaced).

None: libmicrohttpd closes the connection without a word. Some others it answers itself, before the
server sees them: a page of its own, without the fields of ours.
"""

H = b"Host: HOST\r\n"


def line(text, extra=b"", body=b""):
    return text + b" HTTP/1.1\r\n" + H + extra + b"\r\n" + body


REFUSED = [
    # request lines
    ("a line that is no request", None, b"GARBAGE\r\n\r\n"),
    ("no version", 400, b"GET /hello\r\n" + H + b"\r\n"),
    ("another major version", 505, b"GET /hello HTTP/2.0\r\n" + H + b"\r\n"),
    ("a version that is none", 400, b"GET /hello HTTQ/1.1\r\n" + H + b"\r\n"),
    ("a blank in the target", None, b"GET /he llo HTTP/1.1\r\n" + H + b"\r\n"),
    ("a target with scheme and host", 400, line(b"GET http://HOST/hello")),
    ("a target that is a word", 400, line(b"GET hello")),
    ("a target of 9,000 bytes", 414, line(b"GET /" + b"a" * 9000)),
    ("33 segments", 414, line(b"GET " + b"/a" * 33)),
    ("33 parameters", 414, line(b"GET /hello?" + b"&".join(b"a%d=1" % i for i in range(33)))),
    ("an unknown method", 405, line(b"BREW /hello")),
    ("a method in small letters", 405, line(b"get /hello")),
    ("TRACE", 405, line(b"TRACE /hello")),
    ("CONNECT", 400, line(b"CONNECT HOST")),
    # escapes
    ("an escape that is cut", 400, line(b"GET /hello%2")),
    ("an escape that is no number", 400, line(b"GET /hello%zz")),
    ("an escaped zero byte", 400, line(b"GET /hello%00")),
    ("a segment of dots", 400, line(b"GET /a/../hello")),
    ("a segment of escaped dots", 400, line(b"GET /a/%2e%2E/hello")),
    ("a bad escape in the query", 400, line(b"GET /hello?x=%4")),
    # fields
    ("a field without a colon", 400, line(b"GET /hello", b"Nothing\r\n")),
    ("a blank before the colon", 400, line(b"GET /hello", b"X-A : 1\r\n")),
    ("a control character in a name", 400, line(b"GET /hello", b"X\x01A: 1\r\n")),
    ("a header of 64 KiB", 431, line(b"GET /hello", b"X-A: " + b"a" * 65536 + b"\r\n")),
    ("3,000 fields", 431, line(b"GET /hello", b"A: b\r\n" * 3000)),
    # Host and Origin
    ("no Host", 400, b"GET /hello HTTP/1.1\r\n\r\n"),
    ("two Hosts", 400, line(b"GET /hello", b"Host: device.local\r\n")),
    ("an empty Host", 400, b"GET /hello HTTP/1.1\r\nHost: \r\n\r\n"),
    ("a Host that is none", 400, b"GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("somebody else's Host", 421, b"GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    ("a Host that only resembles an address", 421, b"GET /hello HTTP/1.1\r\nHost: 127.1\r\n\r\n"),
    ("a foreign Origin", 403, line(b"GET /hello", b"Origin: http://evil.example\r\n")),
    ("a foreign Origin at an event stream", 403, line(b"GET /events", b"Origin: http://evil.example\r\n")),
    ("a foreign Origin at a POST", 403, line(b"POST /echo", b"Origin: null\r\nContent-Length: 2\r\n", b"hi")),
    ("our name with another scheme", 403, line(b"GET /hello", b"Origin: https://HOST\r\n")),
    ("two Origins", 400, line(b"GET /hello", b"Origin: http://HOST\r\nOrigin: http://HOST\r\n")),
    ("a picture in another site's page", 403, line(b"GET /frames", b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n")),
    ("a form in another site's page", 403,
     line(b"POST /echo", b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nContent-Length: 2\r\n", b"hi")),
    # lengths of bodies
    ("a length that is no number", 400, line(b"POST /echo", b"Content-Length: two\r\n")),
    ("a negative length", 400, line(b"POST /echo", b"Content-Length: -1\r\n")),
    ("a length with a sign", 400, line(b"POST /echo", b"Content-Length: +2\r\n", b"hi")),
    ("two lengths", 400, line(b"POST /echo", b"Content-Length: 2\r\nContent-Length: 3\r\n", b"hi")),
    ("a list of lengths", 400, line(b"POST /echo", b"Content-Length: 2, 2\r\n", b"hi")),
    ("a length beyond 64 bits", 413, line(b"POST /echo", b"Content-Length: 99999999999999999999\r\n")),
    ("a length and chunks", 400, line(b"POST /echo", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    ("a transfer coding that is not there", 501, line(b"POST /echo", b"Transfer-Encoding: gzip\r\n", b"x")),
    ("two transfer codings", 501, line(b"POST /echo", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    ("a chunk without a size", 400, line(b"POST /echo", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n")),
    ("a chunk whose size is no number", 400, line(b"POST /echo", b"Transfer-Encoding: chunked\r\n", b"zz\r\nhi\r\n0\r\n\r\n")),
    ("a chunk longer than it says", 400, line(b"POST /echo", b"Transfer-Encoding: chunked\r\n", b"1\r\nhi\r\n0\r\n\r\n")),
    ("a chunk beyond 64 bits", 413, line(b"POST /echo", b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\n")),
    ("a body that is too large", 413, line(b"POST /echo", b"Content-Length: 1048577\r\n")),
    ("chunks that are too large together", 413,
     line(b"POST /echo", b"Transfer-Encoding: chunked\r\n", b"10000\r\n" + b"a" * 65536 + b"\r\n" + b"f0001\r\n" + b"a" * 0xf0001 + b"\r\n0\r\n\r\n")),
    ("a body where none belongs", 413, line(b"GET /hello", b"Content-Length: 2\r\n", b"hi")),
    # resources
    ("nothing there", 404, line(b"GET /nothing")),
    ("a method that is not there", 405, line(b"DELETE /hello")),
    ("no token", 401, line(b"GET /secret")),
    ("a wrong token", 401, line(b"GET /secret", b"Authorization: Bearer shut\r\n")),
    ("two tokens", 400, line(b"GET /secret", b"Authorization: Bearer open\r\nAuthorization: Bearer open\r\n")),
    ("no token, with a body", 401, line(b"POST /secret", b"Content-Length: 2\r\n", b"hi")),
    ("a media type that is not taken", 415, line(b"POST /echo", b"Content-Type: text/evil\r\nContent-Length: 2\r\n", b"hi")),
    ("an upload that is refused halfway", 422, line(b"PUT /upload", b"Content-Length: 3\r\n", b"a!b")),
]
