/**
 * The forms in which text reaches PostgreSQL, which refuses NUL in `text` and in `jsonb`, and lone surrogates in `jsonb`.
 *
 * One such character in a model's output would otherwise refuse its whole batch. Each becomes U+FFFD, the replacement
 * character; everything else is stored as it is.
 */

/** A lone surrogate needs no look here: the UTF-8 encoder writes it as U+FFFD. */
export const withoutNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text
