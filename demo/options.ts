/** The demo's command-line options. */
import { Data, Effect } from "effect"
import { parseArgs } from "node:util"

export interface Options {
  /** A folder of documents instead of the installed packages' own. */
  readonly docs: string | undefined
  /** Questions instead of the prepared ones, all in one conversation. */
  readonly ask: ReadonlyArray<string>
  /** Run only this query, on the data of earlier runs. */
  readonly sql: string | undefined
  /** Leave the embedded server running until Ctrl-C, for `psql` and other clients. */
  readonly keep: boolean
  readonly help: boolean
}

export const usage = `Usage: npm run demo -- [options]

  --docs DIR       read text, Markdown and HTML from DIR instead of node_modules
  --ask QUESTION   ask this instead of the prepared questions; may be repeated
  --keep           leave the database running until Ctrl-C, to look at it with psql
  --sql QUERY      run a query on what earlier runs stored, and nothing else

  DATABASE_URL     store in this PostgreSQL; without it, one is started
  OPENAI_API_KEY   let OpenAI answer; without it, a local reader does
  OPENAI_MODEL     which model; default: gpt-4o-mini
  OPENAI_BASE_URL  another server that speaks the same API
  OPENAI_PRICES    US dollars per million input and output tokens, such as 0.15,0.60;
                   without it, the cost is stored as unknown`

export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}

export const parse = (args: ReadonlyArray<string>): Effect.Effect<Options, UsageError> =>
  Effect.try({
    try: () => {
      const { values } = parseArgs({
        args: [...args],
        options: {
          docs: { type: "string" },
          ask: { type: "string", multiple: true, default: [] },
          sql: { type: "string" },
          keep: { type: "boolean", default: false },
          help: { type: "boolean", short: "h", default: false }
        }
      })
      return { ...values, docs: values.docs, sql: values.sql }
    },
    catch: (error) => new UsageError({ message: `${error instanceof Error ? error.message : error}\n\n${usage}` })
  })
