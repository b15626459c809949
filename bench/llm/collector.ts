/**
 * A collector of OpenTelemetry that takes every span, and says so. Its first message is its address. Asked for anything
 * else, it answers how many spans it was sent.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

interface Request {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<{ readonly name: string }> }>
  }>
}

let spans = 0

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(String(spans))
    return
  }
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Request
    const sent = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
    spans += sent.length
    response.writeHead(200, { "content-type": "application/json" })
    response.end("{}")
  })
})

server.listen(
  0,
  "127.0.0.1",
  () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`)
)

// it is of no use without the one that started it
process.on("disconnect", () => process.exit(0))
