import { ByteWriter } from "../../../src/internal/byteWriter.ts"
import { frameOf, writeBody } from "../../../src/internal/langfuse/requestBody.ts"
import { run } from "../steps.ts"

/** The body of a request, as it is sent. */
export const sentJson = (body: unknown): string => {
  const out = new ByteWriter(0)
  run(writeBody(out, frameOf(body)))
  return out.slice(0, out.length).toString()
}
