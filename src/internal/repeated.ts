/**
 * Under this key of its attributes a span keeps those of its figures that spans below it hold, too: `usage`, and `costUsd`,
 * which is null where the span itself states no cost.
 */
export const repeatedKey = "observability.repeated"
