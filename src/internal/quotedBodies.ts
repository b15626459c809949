/**
 * What errors of `@effect/ai` quote of an HTTP exchange. Their message ends with the body of the answer, and where that
 * cannot be read, with the error about it: it holds the whole request, with key and prompt.
 *
 * It is found in the text, as programs put it into errors, causes and logs of their own.
 */

/** Nothing here imports `@effect/ai`: its errors are known by this field. */
export const isAiError = (error: object): boolean => typeId in error

/** The same text without bodies: of each only the sentence is left in which a vendor says why it refuses. */
export const withoutBodies = (text: string): string => {
  // as good as always there is neither
  const short = text.includes(label) ? text.replace(bodies, refusalOf) : text
  return short.includes(typeId) ? short.replace(secrets, "$1\"$2$1\":$1\"$1\"").replace(inspected, "$1: ''") : short
}

// internal

const typeId = "~@effect/ai/AiError"

const label = "Response Body: "

/**
 * A body stands after an empty line. In JSON it goes to the end of the text that it is in, otherwise to the frames of a stack.
 */
const bodies = /(?:\\{1,8}n){2}Response Body: [^"\\]*(?:\\.[^"\\]*)*|\n *\n *Response Body: [^]*?(?=\n {4,}at |$)/g

/**
 * What an error has beside its message, where a program or a logger prints it as JSON, or puts such JSON into other JSON: then
 * its quotes are escaped, and those within a value more than those around it.
 */
const secrets = /(\\{0,7})"(body|authorization|x-api-key)\1": ?\1"(?:[^"\\]|(?!\1")\\+(?!\\)[^\\])*\1"/g

/** The same, as Node prints it: a text of several lines is a sum of texts. */
const text = /(?:'(?:[^'\\]|\\.)*'|"[^"]*"|`[^`]*`)/.source
const inspected = new RegExp(`(?<![\\w$-])('x-api-key'|body|authorization): ${text}(?: \\+\\s+${text})*`, "g")

const refusalOf = (body: string): string => {
  const sentence = refusal.exec(body)?.[1]
  return sentence === undefined ? "" : `\n\n${sentence}`
}

/** As OpenAI and Anthropic say it. What a request quotes is JSON in a text, with its quotes escaped, and does not match. */
const refusal =
  /^\s*Response Body: \{\s*(?:"type": "error",\s*)?"error": \{[^{}]*?"message": "([^"\\]*(?:\\.[^"\\]*)*)"/
