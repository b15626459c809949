/** An HTTP server without a socket: requests and responses of the web platform. */
import { HttpApp } from "@effect/platform"
import type { Layer } from "effect"
import { Deferred, Effect } from "effect"
import type { ObservabilityService } from "../src/ObservabilityService.ts"

export interface Exchange {
  readonly send: (url: string, init?: RequestInit) => Effect.Effect<Response>
  /** The client of the last request goes. */
  readonly abort: () => void
  /** A request has reached the program. */
  readonly started: Effect.Effect<void>
}

/** A server that runs within the given layer, and in the fiber's own clock, ids and service. */
export const exchange = <E, R>(
  app: HttpApp.Default<E, R | ObservabilityService>,
  layer: Layer.Layer<R, never, ObservabilityService>
): Effect.Effect<Exchange, never, ObservabilityService> =>
  Effect.gen(function*() {
    const started = yield* Deferred.make<void>()
    const runtime = yield* Effect.provide(Effect.runtime<R | ObservabilityService>(), layer)
    const handle = HttpApp.toWebHandlerRuntime(runtime)(Effect.zipRight(Deferred.succeed(started, undefined), app))
    let controller = new AbortController()
    return {
      send: (url, init = {}) =>
        Effect.promise(() => {
          controller = new AbortController()
          const { host, ...headers } = init.headers as Record<string, string> ?? {}
          const request = new Request(url, { ...init, headers, signal: controller.signal })
          // the platform's own objects do not take this one, and a server gets it from the wire
          request.headers.append("host", host ?? new URL(url).host)
          return handle(request)
        }),
      abort: () => controller.abort(),
      started: Deferred.await(started)
    }
  })
