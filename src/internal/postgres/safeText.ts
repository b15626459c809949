/**
 * Makes text storable in PostgreSQL, which refuses NUL in `text` and in `jsonb`, and lone surrogates in `jsonb`.
 *
 * One such character in a model's output would otherwise make PostgreSQL refuse its whole batch. Each becomes U+FFFD,
 * the replacement character; everything else is stored as it is.
 */

/** Lone surrogates need no check here: the UTF-8 encoder writes them as U+FFFD. */
export const withoutNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text
