/**
 * Finds documents. Without a folder from the user, these are the documents in the installed packages: manuals and
 * changelogs of real length and mixed quality, the same for everybody who installed from the lock file.
 */
import { FileSystem, Path } from "@effect/platform"
import { Array, Data, Effect, Order } from "effect"

export interface Document {
  /** The path below the folder in which it was found: unique, and the same in every run. */
  readonly id: string
  readonly name: string
  readonly bytes: Effect.Effect<Uint8Array, UnreadableDocument>
}

export class UnreadableDocument extends Data.TaggedError("UnreadableDocument")<{ readonly message: string }> {}

export class NoDocuments extends Data.TaggedError("NoDocuments")<{ readonly message: string }> {}

/** All readable documents in a folder and below it, except dot files and installed packages. */
export const inFolder = (folder: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const names = yield* fs.readDirectory(folder, { recursive: true }).pipe(
      Effect.mapError((error) => new NoDocuments({ message: `The folder ${folder} cannot be read: ${error.message}` }))
    )
    const readable = names.filter((name) => isDocument.test(name) && !/(^|[\\/])(\.|node_modules[\\/])/.test(name))
    if (readable.length === 0) {
      return yield* new NoDocuments({ message: `The folder ${folder} holds no .md, .txt or .html file` })
    }
    return yield* Effect.forEach(Array.sort(readable, Order.string), (name) => document(folder, name))
  })

/** The longest manuals and changelogs of the installed packages, and two documents that are bad on purpose. */
export const ofPackages = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const modules = path.join(import.meta.dirname, "..", "node_modules")

  const candidates = yield* packagesIn(modules).pipe(
    Effect.flatMap(Effect.forEach((name) => documentationOf(modules, name), { concurrency: 16 })),
    Effect.map(Array.flatten),
    Effect.flatMap(
      Effect.forEach((name) =>
        Effect.map(fs.stat(path.join(modules, name)), (info) => ({ name, size: Number(info.size) }))
      )
    ),
    Effect.mapError((error) => new NoDocuments({ message: `${error.message}; did "npm install" run?` }))
  )
  const longest = Array.take(Array.sort(candidates, longestFirst), 54).map(({ name }) => name)
  const good = yield* Effect.forEach(Array.sort(longest, Order.string), (name) => document(modules, name))
  const bad = yield* inFolder(path.join(import.meta.dirname, "documents"))
  return [...good, ...bad]
})

// internal

const isDocument = /\.(md|markdown|txt|html?)$/i

const longestFirst = Order.combine(
  Order.reverse(Order.mapInput(Order.number, ({ size }: { readonly name: string; readonly size: number }) => size)),
  Order.mapInput(Order.string, ({ name }: { readonly name: string }) => name)
)

const document = (folder: string, name: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    return {
      id: name.replaceAll("\\", "/"),
      name: path.basename(name),
      bytes: Effect.mapError(
        fs.readFile(path.join(folder, name)),
        (error) => new UnreadableDocument({ message: error.message })
      )
    } satisfies Document
  })

/** `effect`, `@effect/platform`, ... */
const packagesIn = (modules: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const names = Array.filter(yield* fs.readDirectory(modules), (name) => !name.startsWith("."))
    return Array.flatten(
      yield* Effect.forEach(names, (name) =>
        name.startsWith("@")
          ? Effect.map(fs.readDirectory(`${modules}/${name}`), Array.map((member) => `${name}/${member}`))
          : Effect.succeed([name]))
    )
  })

const documentationOf = (modules: string, name: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const files = yield* listing(fs.readDirectory(`${modules}/${name}`))
    const docs = yield* listing(fs.readDirectory(`${modules}/${name}/docs`, { recursive: true }))
    return [
      ...files.filter((file) => /^(readme|changelog|history)\.(md|markdown|html)$/i.test(file)),
      ...docs.filter((file) => /\.(md|html)$/i.test(file)).map((file) => `docs/${file}`)
    ].map((file) => `${name}/${file}`)
  })

/** An empty list if the folder cannot be read. */
const listing = <E, R>(read: Effect.Effect<ReadonlyArray<string>, E, R>) =>
  Effect.orElseSucceed(read, (): ReadonlyArray<string> => [])
