/** A name that stands for several addresses, as `localhost` does where there is IPv6, too. Only its look-up is made up. */
import { Effect, type Scope } from "effect"
import dns from "node:dns"

export const nameOfSeveral = (
  name: string,
  addresses: ReadonlyArray<string>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => {
      const { lookup } = dns
      const lookedUp = (host: string, options: { readonly all?: boolean }, done: (...result: Array<unknown>) => void) =>
        host !== name
          ? Reflect.apply(lookup, dns, [host, options, done])
          : options.all === true
          ? done(null, addresses.map((address) => ({ address, family: 4 })))
          : done(null, addresses[0], 4)
      Object.assign(dns, { lookup: lookedUp })
      return lookup
    }),
    (lookup) => Effect.sync(() => Object.assign(dns, { lookup }))
  ))
