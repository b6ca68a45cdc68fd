// The app of the tests for node: see app_server.h for what it answers. Listens at its argument: a port of 127.0.0.1, a
// path, or "fd" for the socket that it was started with.
"use strict";

const http = require("http");

const version = process.env.VERSION || "v1";
let connections = 0;
let stream = null; // the one of /events
let events = 0;

function event() {
  stream.write(`data: ${++events}\n\n`);
}

const server = http.createServer((request, response) => {
  const answer = (body, status = 200, headers = {}) => {
    response.writeHead(status, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(body), ...headers });
    response.end(body);
  };
  switch (request.url) {
    case "/none":
      response.writeHead(204);
      return response.end();
    case "/etag":
      if (request.headers["if-none-match"] === '"one"') {
        response.writeHead(304, { ETag: '"one"' });
        return response.end();
      }
      return answer("tagged\n", 200, { ETag: '"one"' });
    case "/echo": {
      const pieces = [];
      request.on("data", (piece) => pieces.push(piece));
      return request.on("end", () => answer(Buffer.concat(pieces)));
    }
    case "/sink": {
      let size = 0;
      const length = request.headers["content-length"] || "unknown";
      request.on("data", (piece) => (size += piece.length));
      return request.on("end", () => answer(`${size} bytes, length ${length}\n`));
    }
    case "/connection":
      return answer(String(request.socket.number));
    case "/events":
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      stream = response;
      events = 0;
      return event();
    case "/next":
      event();
      return answer("put\n");
    case "/end":
      stream.end();
      return answer("put\n");
    default:
      return answer(`version ${version} pid ${process.pid}\n`);
  }
});

server.on("connection", (socket) => (socket.number = ++connections));
const place = process.argv[2];
if (place === "fd") server.listen({ fd: 3 });
else if (place.startsWith("/")) server.listen(place);
else server.listen(Number(place), "127.0.0.1");
