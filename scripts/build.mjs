// Builds dist/ from src/ and migrations/: the declarations by tsconfig.build.json, the JavaScript by bundle.mjs.
import * as Fs from "node:fs"
import * as Path from "node:path"
import ts from "typescript"
import { bundle } from "./bundle.mjs"

const root = Path.resolve(import.meta.dirname, "..")

// Starting with an empty folder keeps the files of deleted modules out of the package.
Fs.rmSync(Path.join(root, "dist"), { recursive: true, force: true })

// `rewriteRelativeImportExtensions` turns `./X.ts` into `./X.js` in JavaScript only. In a declaration file `./X.ts`
// would stay, which only newer compilers resolve to X.d.ts; all compilers and all other tools understand `./X.js`.
const rewriteSpecifiers = (context) => {
  const rewrite = (node) => {
    if (ts.isStringLiteral(node) && /^\.{1,2}\/.*\.ts$/.test(node.text)) {
      return context.factory.createStringLiteral(node.text.replace(/ts$/, "js"))
    }
    // In `import("./X.ts").Y` the specifier sits in a literal type.
    return ts.isLiteralTypeNode(node) ? ts.visitEachChild(node, rewrite, context) : visit(node)
  }
  const namesModule = (node) =>
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isModuleDeclaration(node)
  const visit = (node) => {
    if (ts.isImportTypeNode(node)) {
      const typeArguments = ts.visitNodes(node.typeArguments, visit)
      return context.factory.updateImportTypeNode(
        node,
        rewrite(node.argument),
        node.attributes,
        node.qualifier,
        typeArguments,
        node.isTypeOf
      )
    }
    return ts.visitEachChild(node, namesModule(node) ? rewrite : visit, context)
  }
  return visit
}

// The compiler omits an unused import from a declaration file, and with the first import also the comment above it,
// which is the doc comment of the module. This puts the comment back.
const keepModuleComment = (context) => (file) => {
  const source = ts.getOriginalNode(file)
  const comment = /^\/\*(\*[^]*?)\*\//.exec(source.text)?.[1]
  const first = source.statements[0]
  const isKept = file.statements.some((statement) => ts.getOriginalNode(statement) === first)
  if (comment === undefined || isKept || !ts.isImportDeclaration(first)) return file
  const head = context.factory.createNotEmittedStatement(source)
  ts.addSyntheticLeadingComment(head, ts.SyntaxKind.MultiLineCommentTrivia, comment, true)
  return context.factory.updateSourceFile(file, [head, ...file.statements])
}

const config = ts.getParsedCommandLineOfConfigFile(Path.join(root, "tsconfig.build.json"), {}, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
    throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
  }
})
const program = ts.createProgram({
  rootNames: config.fileNames,
  options: { ...config.options, emitDeclarationOnly: true }
})
const emitted = program.emit(undefined, undefined, undefined, false, {
  afterDeclarations: [rewriteSpecifiers, keepModuleComment]
})

const diagnostics = ts.sortAndDeduplicateDiagnostics([
  ...config.errors,
  ...ts.getPreEmitDiagnostics(program),
  ...emitted.diagnostics
])
if (diagnostics.length > 0) {
  const format = process.stderr.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics
  console.error(format(diagnostics, {
    getCanonicalFileName: (file) => file,
    getCurrentDirectory: () => root,
    getNewLine: () => "\n"
  }))
  process.exit(1)
}
await bundle(Path.join(root, "dist", "src"))
