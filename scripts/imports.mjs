// Checks that imports point inward and that there is no cycle, over src/ and migrations/.
import * as Fs from "node:fs"
import * as Path from "node:path"
import ts from "typescript"

// From the innermost layer outwards. A module may import, types included, from its own layer and from the layers listed
// above it. The rooms of a layer (the inner arrays) must not import each other, so that no provider depends on the
// service, and the service depends on no particular provider.
const layers = [
  [["TraceContext", "IdGenerator", "Identifier", "TraceState", "Baggage"]],
  [["Usage", "Money", "Observation", "Input", "LlmCall", "ChatMessage", "DocumentEvent", "SpanType", "SpanHandle"]],
  [["Pricing", "GenAi"]],
  [["Provider"]],
  [["Delivery"]],
  [["ObservabilityConfig"]],
  [["ObservabilityService", "Span", "Log"], ["PgMigrations", "PgPricing", "PgProvider", "LangfuseProvider"]],
  [["ObservabilityLive"]],
  // Optional entries: an application that does not import them never loads them.
  [[
    "EmbeddedPostgres",
    "Testing",
    "EffectTracer",
    "AiTelemetry",
    "HttpPropagation",
    "MessagePropagation",
    "TraceStore",
    "Replay"
  ]],
  [["index"]]
]

const root = Path.resolve(import.meta.dirname, "..")

const places = new Map(
  layers.flatMap((rooms, layer) => rooms.flatMap((names, room) => names.map((name) => [name, { layer, room }])))
)

const filesOf = (folder) =>
  Fs.existsSync(Path.join(root, folder))
    ? Fs.readdirSync(Path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => Path.posix.join(folder, name.replaceAll("\\", "/")))
    : []

const files = [...filesOf("src"), ...filesOf("migrations")].sort()

/** The name of a public module; undefined for an internal file or a migration. */
const publicName = (file) => /^src\/([^/]+)\.ts$/.exec(file)?.[1]

/** Every file that a file imports, and whether that import still exists when the program runs. */
const importsOf = (file) => {
  const imports = new Map()
  const add = (specifier, isValue) => {
    if (!specifier.startsWith(".")) return
    const target = Path.posix.join(Path.posix.dirname(file), specifier)
    if (files.includes(target)) imports.set(target, isValue || imports.get(target) === true)
  }
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier.text, node.importClause?.isTypeOnly !== true)
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier.text, !node.isTypeOnly)
    } else if (ts.isImportTypeNode(node)) {
      add(node.argument.literal.text, false)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      // A computed path cannot be followed; this library has none.
      if (ts.isStringLiteral(node.arguments[0])) add(node.arguments[0].text, true)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, Fs.readFileSync(Path.join(root, file), "utf8"), ts.ScriptTarget.Latest))
  return imports
}

const graph = new Map(files.map((file) => [file, importsOf(file)]))

/**
 * The other public modules that a public module imports, each with the path that leads there. Paths continue through
 * internal files, so that imports of a module's internal files count as its own, and no detour evades the layers.
 */
const publicImports = (start) => {
  const found = new Map()
  const seen = new Set([start])
  const visit = (path) => {
    for (const target of graph.get(path.at(-1)).keys()) {
      if (seen.has(target)) continue
      seen.add(target)
      if (publicName(target) === undefined) visit([...path, target])
      else found.set(target, [...path, target])
    }
  }
  visit([start])
  return found
}

const publicGraph = new Map(
  files.filter((file) => publicName(file) !== undefined).map((file) => [file, publicImports(file)])
)

const problems = new Set()

for (const [file, imports] of publicGraph) {
  const place = places.get(publicName(file))
  if (place === undefined) {
    problems.add(`${file} has no place yet: add "${publicName(file)}" to the table at the top of scripts/imports.mjs`)
    continue
  }
  for (const [target, path] of imports) {
    const other = places.get(publicName(target))
    if (other === undefined) continue // reported where the target itself comes up
    if (other.layer > place.layer) {
      problems.add(`outward import: ${path.join(" -> ")}`)
    } else if (other.layer === place.layer && other.room !== place.room) {
      problems.add(`import from the room next door: ${path.join(" -> ")}`)
    }
  }
}

/** Walks depth first; meeting a file that is still being walked is a cycle. */
const findCycles = (targetsOf) => {
  const done = new Set()
  const visit = (file, path) => {
    const start = path.indexOf(file)
    if (start >= 0) {
      problems.add(`cycle: ${[...path.slice(start), file].join(" -> ")}`)
    } else if (!done.has(file)) {
      for (const target of targetsOf(file)) visit(target, [...path, file])
      done.add(file)
    }
  }
  return visit
}

// No two public modules import each other, not even for a type.
const amongModules = findCycles((file) => publicGraph.get(file).keys())
for (const file of publicGraph.keys()) amongModules(file, [])

// No file depends on itself at load time. Types do not count here: an internal file may implement the types that its
// public module declares, which is Effect's own idiom, and keeps those types where the reader looks for them.
const amongFiles = findCycles((file) => [...graph.get(file)].filter(([, isValue]) => isValue).map(([target]) => target))
for (const file of files) amongFiles(file, [])

for (const problem of problems) console.error(problem)
const imports = [...graph.values()].reduce((sum, targets) => sum + targets.size, 0)
console.log(`imports: ${files.length} files, ${imports} imports, ${problems.size} problems`)
process.exitCode = problems.size === 0 ? 0 : 1
