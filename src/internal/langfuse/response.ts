/** Reads what an error response says. */
import * as Duration from "effect/Duration"
import type { Answer } from "./httpPost.ts"

/** One line: the status, the target of a redirection, and the beginning of the server's text, unless it is a page. */
export const describe = ({ headers, status, text }: Answer): string => {
  const elsewhere = headers.location === undefined ? "" : ` with a redirection to ${headers.location}`
  const said = /^\s*</.test(text) ? "a page of HTML" : text.replace(/\s+/g, " ").trim().slice(0, 300)
  return `Langfuse answered ${status}${elsewhere}${said === "" ? "" : `: ${said}`}`
}

/** The time in the `retry-after` header, which is a number of seconds or a date. */
export const retryAfterOf = ({ headers }: Answer, nowMillis: number): Duration.Duration | undefined => {
  const header = headers["retry-after"]?.trim() ?? ""
  if (header === "") return undefined
  const millis = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMillis
  return Number.isFinite(millis) && millis >= 0 ? Duration.millis(millis) : undefined
}

/** Converts a response of `fetch`. Never rejects. */
export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  text: await response.text().catch(() => "")
})
