/**
 * Reads variables of the environment. An empty variable, such as one that a compose file passes on without a value,
 * counts as not set, as OpenTelemetry does with its own. White space around a value, such as the line break at the end
 * of a mounted secret, is ignored.
 *
 * Each variable is one primitive `Config`: with `Config.option` and `Config.map` around each, building
 * `ObservabilityLive` took 4,557 steps of Effect's run loop instead of 3,491. When a program starts, none of this code
 * is compiled yet.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"

/** @param parse reads the text; `None` if it is not as expected */
const variable = <A>(
  name: string,
  expected: string,
  parse: (text: string) => Option.Option<A>
): Config.Config<A> =>
  Config.nested(
    Config.primitive(expected, (written) => {
      const text = written.trim()
      return text === ""
        ? Either.left(ConfigError.MissingData([], expected))
        : Either.fromOption(parse(text), () => ConfigError.InvalidData([], expected))
    }),
    name
  )

/** `undefined` if the variable is not set. */
export const optional = <A>(
  name: string,
  expected: string,
  parse: (text: string) => Option.Option<A>
): Config.Config<A | undefined> => Config.withDefault(variable(name, expected, parse), undefined)

export const text = (name: string): Config.Config<string | undefined> => optional(name, "expected a text", Option.some)

export const flag = (name: string, fallback: boolean): Config.Config<boolean> =>
  Config.withDefault(
    variable(name, "expected true or false", (text) => Option.fromNullable(flags.get(text.toLowerCase()))),
    fallback
  )

/**
 * `OTEL_RESOURCE_ATTRIBUTES`, which has the format of W3C Baggage. A text that cannot be read counts as empty, as in
 * OpenTelemetry: other libraries use the variable, too.
 */
export const resourceAttributes: Config.Config<ReadonlyMap<string, string>> = Config.withDefault(
  variable("OTEL_RESOURCE_ATTRIBUTES", "expected attributes", (text) => Option.some(attributesIn(text))),
  new Map()
)

// internal

const flags: ReadonlyMap<string, boolean> = new Map(Object.entries({
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false
}))

const attributesIn = (text: string): ReadonlyMap<string, string> => {
  const attributes = new Map<string, string>()
  try {
    for (const entry of text.split(",")) {
      const [, key, value] = /^([^=]*)=(.*)$/s.exec(entry) ?? []
      if (key === undefined || value === undefined || value.trim() === "") continue
      attributes.set(decodeURIComponent(key.trim()), decodeURIComponent(value.trim()))
    }
    return attributes
  } catch {
    return new Map()
  }
}
