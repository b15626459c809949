/** How many tokens a text has for a language model, by the tokenizer of OpenAI's current models. */
export { countTokens } from "gpt-tokenizer/encoding/o200k_base"
