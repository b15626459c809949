/** What carries credentials, by its name: of headers, and of the parameters of an address. */

export const isCredential = (name: string): boolean => credentials.test(name)

/**
 * An attribute by which Effect tells of an HTTP message, without what its services take for a key. Effect knows of few
 * headers that they carry one, and vendors' packages do not get to tell it.
 */
export const withoutCredentials = (key: string, value: unknown): unknown => {
  if (key.startsWith("http.request.header.") || key.startsWith("http.response.header.")) {
    return isCredential(key) ? "<redacted>" : value
  }
  return (key === "url.full" || key === "url.query") && typeof value === "string"
    ? value.replace(
      parameters,
      (whole, start: string, name: string) => isCredential(name) || isKey(name) ? `${start}${name}=REDACTED` : whole
    )
    : value
}

// internal

/** Counts of tokens, as vendors put them into headers, are none; what `@effect/ai-openai` takes as `Redacted` is one. */
const credentials = new RegExp(
  [
    "auth(?:entic|oriz)",
    "cookie",
    "(?:api|access|account|functions|subscription)[-_]?key",
    "token$",
    "secret",
    "passw",
    "credential",
    "signature",
    "openai-(?:organization|project)$"
  ].join("|"),
  "i"
)

const parameters = /(^|[?&])([^=?&#]+)=[^&#]*/g

/** Too short to be looked for within other names. */
const isKey = (name: string): boolean => /^(?:key|sig|.*accesskeyid|.*accessid)$/i.test(name)
