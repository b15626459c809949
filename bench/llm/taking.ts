/** Programs of their own that take whatever they are sent, as servers of Langfuse or OpenTelemetry do. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Taken {
  readonly status: number
  readonly answer: unknown
  /** How much there was in the request of what is counted. */
  readonly count: number
}

/**
 * Says its address in the first message to the process that started it. A GET is answered by how much there was so far in
 * all requests.
 */
export const takeAll = (path: string, take: (body: unknown) => Taken): void => {
  let total = 0
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      response.end(String(total))
      return
    }
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { answer, count, status } = take(JSON.parse(Buffer.concat(chunks).toString()))
      total += count
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(answer))
    })
  })
  server.listen(
    0,
    "127.0.0.1",
    () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
  )
  // it is of no use without the one that started it
  process.on("disconnect", () => process.exit(0))
}
