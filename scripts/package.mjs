// Checks the package as a new user gets it: packs it, checks the links in its documentation, examines the tarball with
// publint and attw, installs it into an empty project with its peer dependencies, loads every entry under plain Node,
// checks the bundle that a bundler makes of it, and type-checks and runs the README's quick start.
import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { cleanEnvironment } from "./run.mjs"

const root = Path.resolve(import.meta.dirname, "..")
const project = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-observability-package-"))
process.on("exit", () => Fs.rmSync(project, { recursive: true, force: true }))

const fail = (message) => {
  console.error(`FAIL  ${message}`)
  process.exit(1)
}

/** Runs one step; if it fails, its output is shown. */
const step = (title, command, args, { cwd = root, seconds = 240 } = {}) => {
  const started = performance.now()
  const { error, signal, status, stderr, stdout } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: cleanEnvironment(),
    timeout: seconds * 1000
  })
  if (status !== 0) {
    fail(`${title}: ${error?.message ?? `ended with ${status ?? signal}`}\n${stdout ?? ""}${stderr ?? ""}`)
  }
  console.log(`ok    ${title}  ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return stdout
}

const readJson = (...path) => JSON.parse(Fs.readFileSync(Path.join(root, ...path), "utf8"))
const bin = (name) => Path.join(root, "node_modules", ".bin", name)

/** The first ts block after the heading "Quick start". */
const quickStart = () => {
  const readme = Path.join(root, "README.md")
  const text = Fs.existsSync(readme) ? Fs.readFileSync(readme, "utf8") : ""
  const code = /^#+ Quick start\s*$[^]*?^```ts\s*$\n([^]*?)^```\s*$/im.exec(text)?.[1]
  return code ?? fail("README.md has no ts block under a heading \"Quick start\"")
}
const quickStartCode = quickStart()

// so that dist is never stale
step("build", process.execPath, [Path.join(root, "scripts", "build.mjs")])
const [{ filename, files }] = JSON.parse(
  step("npm pack", "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project])
)
const tarball = Path.join(project, filename)
const packed = files.map(({ path }) => path)
const deadLinks = packed.filter((path) => path.endsWith(".md")).flatMap((path) =>
  Array.from(
    Fs.readFileSync(Path.join(root, path), "utf8").matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g),
    ([, link]) => link
  )
    .filter((link) => {
      const target = Path.posix.join(Path.posix.dirname(path), link)
      return !packed.some((other) => other === target || other.startsWith(`${target}/`))
    })
    .map((link) => `${path} links to ${link}, which is not in the package`)
)
if (deadLinks.length > 0) fail(deadLinks.join("\n"))
const entries = files
  .map(({ path }) => /^dist\/src\/([^/]+)\.d\.ts$/.exec(path)?.[1])
  .filter((name) => name !== undefined)
  .map((name) => name === "index" ? "." : name)

const undescribed = entries.map((entry) => `dist/src/${entry === "." ? "index" : entry}.d.ts`)
  .filter((path) => !Fs.readFileSync(Path.join(root, path), "utf8").startsWith("/**"))
if (undescribed.length > 0) fail(`these have lost the doc comment of their module: ${undescribed.join(", ")}`)

step("publint", bin("publint"), ["run", tarball, "--strict"])
// `esm-only`: CommonJS reaches this package through Node's own `require` of an ES module. The entries are named because
// attw does not look behind the wildcard in `exports`.
step("attw", bin("attw"), [tarball, "--profile", "esm-only", "--no-definitely-typed", "--entrypoints", ...entries])

// The versions that this repository is tested with, which are also in npm's cache.
const installed = (names) =>
  Object.fromEntries(names.map((name) => [name, readJson("node_modules", name, "package.json").version]))
const { name, peerDependencies } = readJson("package.json")
Fs.writeFileSync(
  Path.join(project, "package.json"),
  JSON.stringify({
    type: "module",
    dependencies: { [name]: `file:./${filename}`, ...installed(Object.keys(peerDependencies)) },
    devDependencies: installed(["@types/node", "tsx", "typescript"])
  })
)
step("npm install", "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: project })

const imports = entries.map((entry) => `await import("${Path.posix.join(name, entry)}")`)
step(`import of ${entries.length} entries`, process.execPath, ["--input-type=module", "--eval", imports.join("\n")], {
  cwd: project
})

// The bundle of a program that records only to its own providers must contain nothing of PostgreSQL and Langfuse.
const { metafile } = await build({
  stdin: { contents: `export { withSpan } from "${name}"`, resolveDir: project },
  bundle: true,
  format: "esm",
  metafile: true,
  platform: "node",
  write: false
})
const bundled = Object.values(metafile.outputs).flatMap(({ inputs }) =>
  Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
)
if (!bundled.some((path) => path.includes(`/${name}/dist/`))) fail("the bundle of withSpan is empty")
const superfluous = bundled.filter((path) => /\/node_modules\/(pg|langfuse|@effect\/sql)/.test(path))
if (superfluous.length > 0) fail(`the bundle of withSpan contains what it does not use:\n${superfluous.join("\n")}`)
console.log("ok    bundle of withSpan")

Fs.writeFileSync(Path.join(project, "quick-start.ts"), quickStartCode)
const projectBin = (name) => Path.join(project, "node_modules", ".bin", name)
step(
  "tsc quick-start.ts",
  projectBin("tsc"),
  ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "quick-start.ts"],
  { cwd: project }
)
console.log(step("tsx quick-start.ts", projectBin("tsx"), ["quick-start.ts"], { cwd: project, seconds: 60 }))
