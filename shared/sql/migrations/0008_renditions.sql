-- Formats that are first asked for after their job has succeeded: what is being made, by whom, and what could not be.

CREATE TABLE renditions (
    job_id   uuid NOT NULL REFERENCES jobs,
    format   text NOT NULL CHECK (format ~ '^[a-z]{1,10}$'),
    user_id  uuid NOT NULL REFERENCES users,
    image_id uuid NOT NULL REFERENCES images,
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    fence    integer NOT NULL DEFAULT 0 CHECK (fence >= 0),
    run_at   timestamptz NOT NULL DEFAULT house_now(),
    asked_at timestamptz NOT NULL DEFAULT house_now(),
    problem  jsonb,
    PRIMARY KEY (job_id, format)
);
CREATE INDEX renditions_user_id ON renditions (user_id);
CREATE INDEX renditions_image_id ON renditions (image_id);
COMMENT ON TABLE renditions IS 'Formats asked for after their job succeeded and not made yet; one that is made is a row of files instead';
COMMENT ON COLUMN renditions.fence IS 'Counts the claims; a late worker''s fence no longer fits';
COMMENT ON COLUMN renditions.run_at IS 'Not to be claimed before: the claim of a worker, or the pause between attempts';
COMMENT ON COLUMN renditions.asked_at IS 'When a worker was last sent for; whoever asks again later sends again';
COMMENT ON COLUMN renditions.problem IS 'Why it cannot be made';

ALTER TABLE renditions ENABLE ROW LEVEL SECURITY;
ALTER TABLE renditions FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON renditions TO tovector_app
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY every_row ON renditions TO tovector_maintenance USING (true) WITH CHECK (true);
REVOKE ALL ON renditions FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON renditions TO tovector_app, tovector_maintenance;
