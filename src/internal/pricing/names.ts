/**
 * The names by which a model is looked up, and the vendors whose prices apply to a provider.
 *
 * Both are data, so that a store can follow the same rules. The patterns are written in what JavaScript and PostgreSQL
 * understand alike: character classes, alternatives, anchors and counts. No backslash, which a server may be set to take for
 * an escape of its own.
 */

/** Prefixes of a model's own name that name the place it is served from; removed one after the other. */
export const prefixes: ReadonlyArray<string> = [
  // of gateways, of Gemini and of Vertex AI
  "^(?:publishers/[a-z0-9-]+/models|models|openai|anthropic|google|gemini|cohere|bedrock|vertex_ai)/",
  // the region's profile at Amazon Bedrock
  "^(?:us|us-gov|eu|apac|jp|au|ca|global)[.]",
  "^(?:anthropic|cohere)[.]"
]

/** Suffixes of a model's own name that name a version; removed one after the other. */
export const suffixes: ReadonlyArray<string> = [
  // of the packaging at Amazon Bedrock
  "-v[0-9]+(?::[0-9]+)?$",
  "(?:-20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]|[-@]20[0-9]{6}|[-@]latest|@default)$"
]

/**
 * The names under which the price of a model is looked up, the most exact first: the given name, the name without its
 * version (`-2024-08-06`, `-20250929`, `@20250929`, `-v1:0`, `-latest`), and then, again with and without the version,
 * the name without the place it is served from (`openai/`, `models/`, `us.`, `anthropic.`).
 *
 * @since 0.1.0
 * @category naming
 */
export const namesOf = (model: string): ReadonlyArray<string> =>
  Array.from(new Set(peeled(prefixes, model).flatMap((name) => peeled(suffixes, name))))

/**
 * The vendors whose prices are used for the models that a provider runs. For a provider that is not listed, such as a
 * deployment on Azure, only prices under its own name are used.
 */
export const vendorsOf: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["gcp.gen_ai", ["gcp.gemini"]],
  ["google", ["gcp.gemini"]],
  ["google_genai", ["gcp.gemini"]],
  ["gemini", ["gcp.gemini"]],
  ["gcp.vertex_ai", ["gcp.vertex_ai", "gcp.gemini", "anthropic"]],
  ["vertex_ai", ["gcp.vertex_ai", "gcp.gemini", "anthropic"]],
  ["aws.bedrock", ["aws.bedrock", "anthropic"]],
  ["aws_bedrock", ["aws.bedrock", "anthropic"]],
  ["amazon-bedrock", ["aws.bedrock", "anthropic"]],
  ["bedrock", ["aws.bedrock", "anthropic"]]
])

// internal

const compiled = new Map([...prefixes, ...suffixes].map((pattern) => [pattern, new RegExp(pattern)]))

/** The name as it is, and after the removal of each pattern in turn. */
const peeled = (patterns: ReadonlyArray<string>, name: string): ReadonlyArray<string> => {
  const names = [name]
  for (const pattern of patterns) names.push(names.at(-1)!.replace(compiled.get(pattern)!, ""))
  return names
}
