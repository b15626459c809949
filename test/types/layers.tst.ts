import type { PgClient } from "@effect/sql-pg/PgClient"
import type { ConfigError, Effect, Layer, Scope } from "effect"
import type { Delivery } from "effect-observability"
import { Delivery as Deliveries, ObservabilityService, Provider } from "effect-observability"
import * as Live from "effect-observability/ObservabilityLive"
import * as Testing from "effect-observability/Testing"
import { describe, expect, it } from "tstyche"

describe("layers", () => {
  it("of the service need nothing and never fail", () => {
    expect(ObservabilityService.layer({ providers: [] })).type.toBe<Layer.Layer<ObservabilityService>>()
    expect(ObservabilityService.layerNoop).type.toBe<Layer.Layer<ObservabilityService>>()
    expect(ObservabilityService.layerMemory(Provider.memory())).type.toBe<Layer.Layer<ObservabilityService>>()
    expect(ObservabilityService.make({ providers: [] })).type.toBe<
      Effect.Effect<ObservabilityService["Type"], never, Scope.Scope>
    >()
  })

  it("of the whole library fail with nothing but ConfigError", () => {
    expect(Live.ObservabilityLive).type.toBe<Layer.Layer<ObservabilityService, ConfigError.ConfigError>>()
    expect(Live.layerEnvironment()).type.toBe<Layer.Layer<ObservabilityService, ConfigError.ConfigError>>()
    expect(Live.layerEnvironmentFromClient()).type.toBe<
      Layer.Layer<ObservabilityService, ConfigError.ConfigError, PgClient>
    >()
  })

  it("of the test kit provide what was recorded, too", () => {
    expect(Testing.layer()).type.toBe<Layer.Layer<ObservabilityService | Testing.Recorded>>()
    expect<Testing.Recorded["Type"]["clear"]>().type.toBe<Effect.Effect<void>>()
  })
})

describe("a provider", () => {
  it("is a name and a write that fails with nothing but ProviderError", () => {
    expect<{ readonly name: string; readonly write: () => Effect.Effect<void> }>().type.toBeAssignableTo<
      Provider.Provider
    >()
    expect<{ readonly name: string; readonly write: () => Effect.Effect<void, Error> }>().type.not.toBeAssignableTo<
      Provider.Provider
    >()
    expect<{ readonly name: string; readonly write: () => Effect.Effect<void, never, Scope.Scope> }>().type.not
      .toBeAssignableTo<Provider.Provider>()
  })

  it("has a delivery that lives in a scope, and never fails", () => {
    expect(Deliveries.make(Provider.noop)).type.toBe<Effect.Effect<Delivery.Delivery, never, Scope.Scope>>()
  })
})
