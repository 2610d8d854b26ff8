-- Reports that are too large for a request: made by a worker, kept for a while.
CREATE TYPE report_file_status AS ENUM ('queued', 'ready', 'failed');

CREATE TABLE report_files (
    report_file_id uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users,
    wish           jsonb NOT NULL,
    status         report_file_status NOT NULL DEFAULT 'queued',
    attempts       smallint NOT NULL DEFAULT 0,
    fence          integer NOT NULL DEFAULT 0,
    run_at         timestamptz NOT NULL DEFAULT house_now(),
    storage_key    text UNIQUE,
    size           bigint CHECK (size >= 0),
    problem        jsonb,
    created_at     timestamptz NOT NULL DEFAULT house_now(),
    expires_at     timestamptz NOT NULL,
    CONSTRAINT a_ready_file_is_somewhere CHECK ((status = 'ready') = (storage_key IS NOT NULL AND size IS NOT NULL)),
    CONSTRAINT a_failed_file_says_why CHECK ((status = 'failed') = (problem IS NOT NULL))
);
COMMENT ON TABLE report_files IS 'Reports too large for a request: asked for by an operator, made by a worker, removed when their time is over';
COMMENT ON COLUMN report_files.wish IS 'Which report, of which span, in which form';
COMMENT ON COLUMN report_files.fence IS 'Counts the claims; who finishes must name the one it was given';
COMMENT ON COLUMN report_files.run_at IS 'Not to be claimed before: the claim of a worker, or the pause between attempts';

CREATE INDEX report_files_user_id ON report_files (user_id, report_file_id DESC);
CREATE INDEX report_files_due ON report_files (run_at) WHERE status = 'queued';
CREATE INDEX report_files_expire ON report_files (expires_at);

ALTER TABLE report_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE report_files FORCE ROW LEVEL SECURITY;
REVOKE ALL ON report_files FROM PUBLIC;
CREATE POLICY own_rows ON report_files TO tovector_app
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY every_row ON report_files TO tovector_maintenance USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON report_files TO tovector_app;
GRANT SELECT, UPDATE, DELETE ON report_files TO tovector_maintenance;
