// A bare probot receiver: it verifies and parses like ours, runs one empty handler, and puts nothing on disk.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createNodeMiddleware, createProbot } from "probot";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const probot = createProbot({
  overrides: { appId: 1, privateKey, secret: process.argv[2], logLevel: "fatal" },
});
const answer = await createNodeMiddleware((app) => app.on("issues", async () => {}), {
  probot,
  webhooksPath: "/webhook",
});
const server = createServer((request, response) => answer(request, response, () => response.writeHead(404).end()));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
