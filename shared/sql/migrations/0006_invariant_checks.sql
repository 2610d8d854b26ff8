-- The last answer of each invariant, written by a sweep that may see every account and shown by /metrics,
-- which may not.
CREATE TABLE invariant_checks (
    name       text PRIMARY KEY,
    violations integer NOT NULL CHECK (violations >= 0),
    checked_at timestamptz NOT NULL DEFAULT house_now()
);
COMMENT ON TABLE invariant_checks IS 'How often each invariant was broken when it was last checked';
ALTER TABLE invariant_checks ENABLE ROW LEVEL SECURITY;
ALTER TABLE invariant_checks FORCE ROW LEVEL SECURITY;
REVOKE ALL ON invariant_checks FROM PUBLIC;
CREATE POLICY everybody_may_look ON invariant_checks FOR SELECT TO tovector_app USING (true);
CREATE POLICY every_row ON invariant_checks TO tovector_maintenance USING (true) WITH CHECK (true);
GRANT SELECT ON invariant_checks TO tovector_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON invariant_checks TO tovector_maintenance;
