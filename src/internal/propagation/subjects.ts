/** The user, the session and the knowledge base of a context, as baggage members. */
import * as Option from "effect/Option"
import * as Baggage from "../../Baggage.ts"
import { TraceContext } from "../../TraceContext.ts"
import { subjectsAt } from "../recording/atPosition.ts"

const members = { userId: "user.id", sessionId: "session.id", kbId: "kb.id" } as const

const fields = ["userId", "sessionId", "kbId"] as const

export const addTo = (baggage: Baggage.Baggage, context: TraceContext): Baggage.Baggage => {
  const subjects = subjectsAt(context)
  return Baggage.Baggage.unsafeMake([
    // in front, so that they are kept if there is no room for all: they were asked for explicitly
    ...fields.flatMap((field) => {
      const value = subjects[field]
      return value === undefined ? [] : [{ key: members[field], value: value.toWellFormed(), properties: [] }]
    }),
    ...without(baggage).members
  ])
}

export const takeFrom = (baggage: Baggage.Baggage, context: TraceContext): TraceContext =>
  TraceContext.unsafeMake({
    ...context,
    userId: Option.getOrUndefined(Baggage.get(baggage, members.userId)),
    sessionId: Option.getOrUndefined(Baggage.get(baggage, members.sessionId)),
    kbId: Option.getOrUndefined(Baggage.get(baggage, members.kbId))
  })

export const without = (baggage: Baggage.Baggage): Baggage.Baggage =>
  Object.values(members).reduce((rest, key) => Baggage.remove(rest, key), baggage)
