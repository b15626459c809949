/** What is to be learned from an answer that is none. */
import * as Duration from "effect/Duration"

/** One line: status, address, and what the server says, if that is short and no page. Never rejects. */
export const describe = async (response: Response): Promise<string> => {
  const from = response.redirected ? ` after a redirection to ${response.url}` : ""
  const text = await textOf(response)
  return `Langfuse answered ${response.status}${from}${text === "" ? "" : `: ${text}`}`
}

/** Seconds, or a date. */
export const retryAfterOf = (response: Response, nowMillis: number): Duration.Duration | undefined => {
  const header = response.headers.get("retry-after")?.trim() ?? ""
  if (header === "") return undefined
  const millis = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMillis
  return Number.isFinite(millis) && millis >= 0 ? Duration.millis(millis) : undefined
}

// internal

/** The client has read the body once already, so what is left of it is here and need not be waited for. */
const textOf = async (response: Response): Promise<string> => {
  try {
    const text = await response.text()
    return /^\s*</.test(text) ? "a page of HTML" : text.replace(/\s+/g, " ").trim().slice(0, 300)
  } catch {
    return ""
  }
}
