-- Objects in storage that no row of `files` lists: left by a process that died between the object and its
-- row. They are removed when they have been seen unlisted for longer than any attempt can last, judged by
-- this database's clock alone.
CREATE TABLE orphans (
    storage_key   text PRIMARY KEY,
    first_seen_at timestamptz NOT NULL DEFAULT house_now()
);
COMMENT ON TABLE orphans IS 'Objects seen in storage that nothing lists, and since when';
ALTER TABLE orphans ENABLE ROW LEVEL SECURITY;
ALTER TABLE orphans FORCE ROW LEVEL SECURITY;
REVOKE ALL ON orphans FROM PUBLIC;
CREATE POLICY every_row ON orphans TO tovector_maintenance USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON orphans TO tovector_maintenance;
