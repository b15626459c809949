/**
 * Removes quotes of an HTTP exchange from texts. The message of an `@effect/ai` error ends with the body of the
 * response, or, if that cannot be read, with the error about it, which holds the whole request, with key and prompt.
 *
 * Quotes are searched for in the text, because programs put it into errors, causes and logs of their own.
 */

/** Nothing here imports `@effect/ai`: its errors are known by this field. */
export const isAiError = (error: object): boolean => typeId in error

/** The same text without bodies: of each body only the sentence is left in which a vendor says why it refuses. */
export const withoutBodies = (text: string): string => {
  // almost always, the text contains neither
  const short = text.includes(label) ? text.replace(bodies, refusalOf) : text
  return short.includes(typeId) ? short.replace(secrets, "$1\"$2$1\":$1\"$1\"").replace(inspected, "$1: ''") : short
}

// internal

const typeId = "~@effect/ai/AiError"

const label = "Response Body: "

/**
 * A body follows an empty line. In JSON it extends to the end of the string that contains it, otherwise to the frames
 * of a stack.
 */
const bodies = /(?:\\{1,8}n){2}Response Body: [^"\\]*(?:\\.[^"\\]*)*|\n *\n *Response Body: [^]*?(?=\n {4,}at |$)/g

/**
 * The fields of an error besides its message, where a program or a logger prints it as JSON, or puts such JSON into
 * other JSON: then the quotes are escaped, those within a value more than those around it.
 */
const secrets = /(\\{0,7})"(body|authorization|x-api-key)\1": ?\1"(?:[^"\\]|(?!\1")\\+(?!\\)[^\\])*\1"/g

/** The same fields as Node prints them: a text of several lines is printed as a sum of texts. */
const text = /(?:'(?:[^'\\]|\\.)*'|"[^"]*"|`[^`]*`)/.source
const inspected = new RegExp(`(?<![\\w$-])('x-api-key'|body|authorization): ${text}(?: \\+\\s+${text})*`, "g")

const refusalOf = (body: string): string => {
  const sentence = refusal.exec(body)?.[1]
  return sentence === undefined ? "" : `\n\n${sentence}`
}

/**
 * The form in which OpenAI and Anthropic state a refusal. JSON that a request quotes is a string with escaped quotes,
 * and does not match.
 */
const refusal =
  /^\s*Response Body: \{\s*(?:"type": "error",\s*)?"error": \{[^{}]*?"message": "([^"\\]*(?:\\.[^"\\]*)*)"/
