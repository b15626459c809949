// Checks the documentation.
//
//  1. Every public module opens with a doc comment that has @since, and everything it exports has @since and @category.
//  2. Every ```ts block of README.md, of docs/ and of the doc comments in src/*.ts is a whole program: it is
//     type-checked, and run without a configured database, with 20 seconds and exit code 0. A block marked ```ts check
//     is type-checked only, because it needs a server or a key that is not available here.
//
// `npm run docs -- README` looks only at examples from files whose path contains "README".
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import ts from "typescript"
import { run } from "./run.mjs"

const root = Path.resolve(import.meta.dirname, "..")
const folder = Path.join(root, ".docs-examples")
const wanted = process.argv[2] ?? ""

const problems = []
const problem = (file, line, message) => problems.push(`${file}:${line}  ${message}`)

// ---------------------------------------------------------------------------------------------------------------------
// Docstrings
// ---------------------------------------------------------------------------------------------------------------------

const modules = Fs.readdirSync(Path.join(root, "src")).filter((name) => name.endsWith(".ts")).sort()
  .map((name) => `src/${name}`)

const lineOf = (node) => {
  const source = node.getSourceFile()
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

const checkHeader = (file, source) => {
  const comments = (ts.getLeadingCommentRanges(source.text, 0) ?? [])
    .map(({ end, pos }) => source.text.slice(pos, end))
    .filter((comment) => comment.startsWith("/**"))
  const [first] = source.statements
  // Without an import in between, a single comment belongs to the first declaration, not to the module.
  const needed = first === undefined || ts.isImportDeclaration(first) || ts.isExportDeclaration(first) ? 1 : 2
  if (comments.length < needed || !comments[0].includes("@since")) {
    problem(file, 1, "the module does not open with a doc comment that says what it is and has @since")
  }
}

const checkedDeclarations = new Set()

const checkExports = (checker, symbol) => {
  for (const exported of checker.getExportsOfModule(symbol)) {
    const target = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    // Overloads share the docstring of the first; an interface and a value of one name have one each.
    const [overload, ...others] = target.declarations?.filter(ts.isFunctionDeclaration) ?? []
    for (const declaration of target.declarations ?? []) {
      const file = Path.relative(root, declaration.getSourceFile().fileName)
      if (
        ts.isSourceFile(declaration) || !file.startsWith("src") || others.includes(declaration) ||
        checkedDeclarations.has(declaration)
      ) continue
      checkedDeclarations.add(declaration)
      const tags = ts.getJSDocTags(declaration).map((tag) => tag.tagName.text)
      if (tags.includes("internal")) continue
      for (const tag of ["since", "category"]) {
        if (!tags.includes(tag)) problem(file, lineOf(overload ?? declaration), `${exported.name} has no @${tag}`)
      }
      if (ts.isModuleDeclaration(declaration)) checkExports(checker, target)
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Examples
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The ```ts blocks of a Markdown text.
 *
 * @param {string} file where the text comes from
 * @param {ReadonlyArray<string>} lines
 * @param {number} firstLine the line of the file that `lines` starts at
 */
const blocksOf = (file, lines, firstLine) => {
  const blocks = []
  for (let at = 0; at < lines.length; at++) {
    const opening = /^(\s*)(`{3,}|~{3,})\s*(\S*)\s*(.*?)\s*$/.exec(lines[at])
    if (opening === null) continue
    const [, indent, fence, language, mark] = opening
    const line = firstLine + at
    const code = []
    for (at++; at < lines.length && lines[at].trim() !== fence; at++) {
      code.push(lines[at].startsWith(indent) ? lines[at].slice(indent.length) : lines[at])
    }
    if (["typescript", "tsx", "js", "javascript", "mjs"].includes(language)) {
      problem(file, line, `a block in ${language} is never checked: make it a ts block`)
    } else if (language === "ts" && mark !== "" && mark !== "check") {
      problem(file, line, `the mark "${mark}" means nothing: a ts block is run, or it is marked "check"`)
    } else if (language === "ts") {
      blocks.push({ file, line, code: code.join("\n"), runs: mark === "" })
    }
  }
  return blocks
}

const blocksOfMarkdown = (file) => blocksOf(file, Fs.readFileSync(Path.join(root, file), "utf8").split(/\r?\n/), 1)

const blocksOfModule = (file) => {
  const source = ts.createSourceFile(file, Fs.readFileSync(Path.join(root, file), "utf8"), ts.ScriptTarget.Latest)
  const comments = new Map()
  const visit = (node) => {
    for (const range of ts.getLeadingCommentRanges(source.text, node.pos) ?? []) comments.set(range.pos, range.end)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...comments].sort(([left], [right]) => left - right).flatMap(([pos, end]) => {
    const text = source.text.slice(pos, end)
    if (!text.startsWith("/**")) return []
    const line = source.getLineAndCharacterOfPosition(pos).line + 1
    for (const example of text.split("@example").slice(1)) {
      if (!/^[\s*]*([^@]*\n)?[\s*]*```ts/.test(example)) problem(file, line, "an @example without a ```ts block")
    }
    return blocksOf(file, text.split(/\r?\n/).map((line) => line.replace(/^\s*\*(?!\/) ?/, "")), line)
  })
}

const markdown = [
  "README.md",
  ...(Fs.existsSync(Path.join(root, "docs"))
    ? Fs.readdirSync(Path.join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md")).sort()
      .map((name) => Path.join("docs", name))
    : [])
].filter((file) => Fs.existsSync(Path.join(root, file)))

Fs.rmSync(folder, { recursive: true, force: true })
Fs.mkdirSync(folder)

const examples = [...markdown.flatMap(blocksOfMarkdown), ...modules.flatMap(blocksOfModule)]
  .filter(({ file }) => file.includes(wanted))
  .map((block) => ({
    ...block,
    path: Path.join(folder, `${block.file.replace(/\.(md|ts)$/, "").replaceAll(/[\\/]/g, "-")}-${block.line}.ts`)
  }))
for (const { code, path } of examples) Fs.writeFileSync(path, `${code}\n`)

// One program for all examples, so that Effect's types are loaded once.
const { options } = ts.getParsedCommandLineOfConfigFile(
  Path.join(root, "tsconfig.json"),
  // An example shows how a thing is declared and need not go on to use it.
  { noUnusedLocals: false },
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
    }
  }
)
const program = ts.createProgram([
  ...modules.map((file) => Path.join(root, file)),
  ...examples.map(({ path }) => path)
], options)

const checker = program.getTypeChecker()
for (const file of modules) {
  const source = program.getSourceFile(Path.join(root, file))
  checkHeader(file, source)
  const symbol = checker.getSymbolAtLocation(source)
  if (symbol !== undefined) checkExports(checker, symbol)
}

/** The compiler's errors in an example, with the line numbers of the file that contains the example. */
const typeErrors = ({ file, line, path }) => {
  const source = program.getSourceFile(path)
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => {
    const { line: offset } = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0)
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n  ")
    return `  ${file}:${line + 1 + offset}  TS${diagnostic.code}: ${message}`
  })
}

const check = async (example) => {
  const errors = typeErrors(example)
  if (errors.length > 0) return { verdict: "FAIL", how: `does not type-check\n${errors.join("\n")}` }
  if (!example.runs) return { verdict: "ok", how: "type-checked" }
  const { failure, output, seconds } = await run(example.path, 20)
  return failure === undefined
    ? { verdict: "ok", how: `${seconds.toFixed(1)} s` }
    : { verdict: "FAIL", how: `${failure}\n${output}` }
}

let failed = 0
let next = 0
const work = async () => {
  while (next < examples.length) {
    const example = examples[next++]
    const { how, verdict } = await check(example)
    if (verdict === "FAIL") failed++
    console.log(`${verdict.padEnd(4)}  ${example.file}:${example.line}  ${how}`)
  }
}
await Promise.all(Array.from({ length: Os.availableParallelism() }, work))

for (const message of problems) console.log(`FAIL  ${message}`)
console.log(
  `docs: ${modules.length} modules, ${examples.length} examples, ${failed} failed; ${problems.length} other problems`
)
process.exitCode = failed + problems.length === 0 ? 0 : 1
