/** What is to be learned from an answer that is none. */
import * as Duration from "effect/Duration"
import type { Answer } from "./httpPost.ts"

/** One line: status, where else it sends, and what the server says, if that is short and no page. */
export const describe = ({ headers, status, text }: Answer): string => {
  const elsewhere = headers.location === undefined ? "" : ` with a redirection to ${headers.location}`
  const said = /^\s*</.test(text) ? "a page of HTML" : text.replace(/\s+/g, " ").trim().slice(0, 300)
  return `Langfuse answered ${status}${elsewhere}${said === "" ? "" : `: ${said}`}`
}

/** Seconds, or a date. */
export const retryAfterOf = ({ headers }: Answer, nowMillis: number): Duration.Duration | undefined => {
  const header = headers["retry-after"]?.trim() ?? ""
  if (header === "") return undefined
  const millis = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMillis
  return Number.isFinite(millis) && millis >= 0 ? Duration.millis(millis) : undefined
}

/** The same of an answer to `fetch`. Never rejects. */
export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  text: await response.text().catch(() => "")
})
