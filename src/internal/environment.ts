/**
 * Values of the environment. One that is set to nothing, as a compose file does with a variable that it passes on, is not
 * set: OpenTelemetry reads its own so, too.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"

export const text = (name: string): Config.Config<Option.Option<string>> =>
  Config.map(Config.option(Config.string(name)), Option.filter((value) => value.trim() !== ""))

/** The first of several names that is set. */
export const firstOf = (
  ...configs: ReadonlyArray<Config.Config<Option.Option<string>>>
): Config.Config<string | undefined> =>
  Config.map(Config.all(configs), (found) => Option.getOrUndefined(Option.firstSomeOf(found)))

export const flag = (name: string, fallback: boolean): Config.Config<boolean> =>
  Config.mapOrFail(text(name), (value) => {
    if (Option.isNone(value)) return Either.right(fallback)
    const known = flags[value.value.trim().toLowerCase()]
    return known === undefined
      ? Either.left(ConfigError.InvalidData([name], "expected true or false"))
      : Either.right(known)
  })

/**
 * An attribute of `OTEL_RESOURCE_ATTRIBUTES`, which is written as W3C Baggage is. A text that cannot be read says nothing, as
 * OpenTelemetry has it: it is there for others, too.
 */
export const resourceAttribute = (name: string): Config.Config<Option.Option<string>> =>
  Config.map(
    text("OTEL_RESOURCE_ATTRIBUTES"),
    Option.flatMap((written) => {
      try {
        const entries = written.split(",").map((entry) =>
          entry.split("=", 2).map((part) => decodeURIComponent(part.trim()))
        )
        return Option.fromNullable(entries.find(([key, value]) => key === name && value !== "")?.[1])
      } catch {
        return Option.none()
      }
    })
  )

// internal

const flags: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false
}
