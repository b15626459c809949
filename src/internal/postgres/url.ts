/**
 * Whether a text may be the address of a PostgreSQL server. A text that cannot be parsed as one will never connect, and
 * is better found when the configuration is read.
 */
export const isPostgresUrl = (url: string): boolean =>
  // the driver, too, accepts an empty host after credentials and takes it from the query: postgres://user@/db?host=/run
  /^postgres(?:ql)?:/.test(url) && URL.canParse(url.replace("@/", "@localhost/"))

export const expectedUrl = "expected an address such as postgres://user:password@host:5432/database"
