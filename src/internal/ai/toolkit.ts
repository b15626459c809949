/** Records the tools that a model asks for. `@effect/ai` runs them within the call; their spans stand beside it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as GenAi from "../../GenAi.ts"
import { Current } from "../../TraceContext.ts"
import { SpanClaim } from "./claimSpan.ts"
import { recordedExit } from "./failure.ts"
import type { OpenCall } from "./openCall.ts"
import { type AnyEffect, type CallOptions, fieldOf, type Toolkit } from "./shapes.ts"
import { Listener } from "./vendorClient.ts"

export const observedToolkit = (
  toolkit: NonNullable<CallOptions["toolkit"]>,
  call: OpenCall
): NonNullable<CallOptions["toolkit"]> =>
  Effect.isEffect(toolkit) ? Effect.map(toolkit, (resolved) => observed(resolved, call)) : observed(toolkit, call)

// internal

const observed = (toolkit: Toolkit, call: OpenCall): Toolkit => ({
  ...toolkit,
  handle: (name, parameters) => running(call, name, parameters, Effect.suspend(() => toolkit.handle(name, parameters)))
})

const running = (call: OpenCall, name: string, parameters: unknown, effect: AnyEffect): AnyEffect =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime<unknown, unknown, unknown>((fiber) => {
      call.beginTool()
      const { keepsInput, keepsOutput, service: { unsafe } } = call.observer
      const handle = unsafe.startSpan(fiber, call.parent, `execute_tool ${name}`, {
        type: "tool",
        attributes: { [GenAi.names.operation[0]]: "execute_tool", [GenAi.names.toolName[0]]: name },
        ...(keepsInput ? { input: parameters } : {})
      })
      const run = handle === undefined
        ? effect
        : new SpanClaim(fiber, "Toolkit.handle").within(effect).pipe(
          Effect.provideService(Current, handle.context),
          // a tool's own requests to a vendor do not belong to the call
          Effect.provideService(Listener, undefined)
        )
      return Effect.onExit(restore(run), (exit) =>
        Effect.withFiberRuntime((fiber) => {
          call.endTool(exit)
          if (handle === undefined) return Effect.void
          if (Exit.isSuccess(exit) && keepsOutput) {
            unsafe.updateSpan(handle, { output: fieldOf(exit.value, "encodedResult") ?? null })
          }
          unsafe.endSpan(fiber, handle, recordedExit(outcomeOf(exit), keepsOutput))
          return Effect.void
        }))
    })
  )

/** A tool whose failure is returned to the model as a result has failed all the same. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  Exit.isSuccess(exit) && fieldOf(exit.value, "isFailure") === true ? Exit.fail(fieldOf(exit.value, "result")) : exit
