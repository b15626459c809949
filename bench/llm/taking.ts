/** A server that accepts everything, for programs that stand in for a Langfuse or OpenTelemetry server. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Taken {
  readonly status: number
  readonly answer: unknown
  /** How many of the counted items were in the request. */
  readonly count: number
}

/**
 * Starts the server, and sends its address as the first message to the parent process. A GET returns the total count of
 * all requests so far.
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
  // the server is of no use without its parent process
  process.on("disconnect", () => process.exit(0))
}
