/** A server that takes every event of Langfuse's ingestion protocol, and says so. Its first message is its address. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const { batch } = JSON.parse(Buffer.concat(chunks).toString()) as {
      readonly batch: ReadonlyArray<{ readonly id: string }>
    }
    response.writeHead(207, { "content-type": "application/json" })
    response.end(JSON.stringify({ successes: batch.map(({ id }) => ({ id, status: 201 })), errors: [] }))
  })
})

server.listen(0, "127.0.0.1", () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))

// it is of no use without the one that started it
process.on("disconnect", () => process.exit(0))
