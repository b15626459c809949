/** Counts a text's tokens, with the tokenizer of OpenAI's current models. */
export { countTokens } from "gpt-tokenizer/encoding/o200k_base"
