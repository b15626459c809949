/**
 * A server that takes every event of Langfuse's ingestion protocol, and says so. Its first message is its address. Asked
 * for anything else, it answers how many generations it was told the end of.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

let generations = 0

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(String(generations))
    return
  }
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const { batch } = JSON.parse(Buffer.concat(chunks).toString()) as {
      readonly batch: ReadonlyArray<{ readonly id: string; readonly type: string }>
    }
    for (const { type } of batch) if (type === "generation-update") generations++
    response.writeHead(207, { "content-type": "application/json" })
    response.end(JSON.stringify({ successes: batch.map(({ id }) => ({ id, status: 201 })), errors: [] }))
  })
})

server.listen(0, "127.0.0.1", () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))

// it is of no use without the one that started it
process.on("disconnect", () => process.exit(0))
