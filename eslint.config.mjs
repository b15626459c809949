import effect from "@effect/eslint-plugin"
import { defineConfig } from "eslint/config"
import tseslint from "typescript-eslint"

// No rule here needs type information: that keeps the whole run at a few seconds. What needs types is the compiler's
// and the Effect language service's work (`npm run check`); docstrings are checked by `npm run docs`.
export default defineConfig(
  { ignores: ["dist/", "coverage/", ".docs-examples/**", ".bench-build/"] },
  tseslint.configs.recommended,
  effect.configs.dprint,
  {
    files: ["**/*.{ts,mjs}"],
    rules: {
      // The formatting of the Effect repositories, imports sorted. `npm run lint-fix` writes it.
      "@effect/dprint": ["error", {
        config: {
          indentWidth: 2,
          lineWidth: 120,
          semiColons: "asi",
          quoteStyle: "alwaysDouble",
          trailingCommas: "never",
          operatorPosition: "maintain",
          "arrowFunction.useParentheses": "force"
        }
      }],
      "@typescript-eslint/array-type": ["error", { default: "generic", readonly: "generic" }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      // Effect's own idiom: a model is an interface, a namespace and a value of one name; a tag is an empty interface.
      "@typescript-eslint/no-empty-object-type": "off",
      "@typescript-eslint/no-namespace": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "object-shorthand": "error",
      "no-restricted-imports": ["error", {
        patterns: [{
          // The compiler would take `./X.js` too. One spelling runs unbuilt under tsx and Node, and is rewritten on
          // build.
          regex: "^\\.{1,2}/.*(?<!\\.(ts|mjs|json))$",
          message: "A relative import names the file as it is on disk, `.ts` included."
        }]
      }],
      "no-restricted-syntax": ["error", {
        // Batches are large, and every spread element takes a place on the stack.
        selector: "CallExpression[callee.property.name='push'] > SpreadElement.arguments",
        message: "Spreading a large batch into `push` overflows the stack: loop instead."
      }]
    }
  },
  {
    files: ["src/**/*.ts", "migrations/**/*.ts"],
    rules: {
      // A library speaks through Effect's logger, which the application owns.
      "no-console": "error",
      // A barrel pulls the whole package into a bundle and hides what a module really needs.
      "@effect/no-import-from-barrel-package": ["error", {
        packageNames: ["effect", "@effect/experimental", "@effect/platform", "@effect/sql", "@effect/sql-pg"]
      }]
    }
  }
)
