import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A process per file: files that kill servers or change the environment cannot disturb each other.
    pool: "forks",
    // As many as there are processors, as tests wait for servers more than they compute: 439 s instead of 754 on two.
    maxWorkers: "100%",
    // One PostgreSQL server for the whole run; each file gets a database of its own (test/postgres/testDatabase.ts).
    globalSetup: ["test/globalSetup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A test that passes at the second attempt has found something.
    retry: 0,
    coverage: {
      include: ["src/**", "migrations/**"]
    }
  }
})
