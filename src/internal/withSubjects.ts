/** Runs an effect in a section of the surrounding trace, and sets the subjects of traces that the effect begins. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Subjects } from "../TraceContext.ts"
import { Current, TraceContext } from "../TraceContext.ts"
import { subjectsOf } from "./ambient.ts"
import { AmbientSubjects } from "./ambientSubjects.ts"
import { identifierOrNone } from "./identifierText.ts"
import { sectionAt } from "./recording/atPosition.ts"

export const runWithSubjects = <A, E, R>(stated: Subjects, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime<A, E, R>((fiber) => {
    const position = TraceContext.unsafeCurrent(fiber)
    const around = subjectsOf(fiber)
    const subjects: Subjects = {
      userId: identifierOrNone(stated.userId) ?? around?.userId,
      sessionId: identifierOrNone(stated.sessionId) ?? around?.sessionId,
      kbId: identifierOrNone(stated.kbId) ?? around?.kbId
    }
    return Effect.mapInputContext(self, (context: Context.Context<R>) => {
      const inside = Context.add(context, AmbientSubjects, subjects)
      return position === undefined ? inside : Context.add(inside, Current, sectionAt(position, stated))
    })
  })
