-- Reports: a role that reads across accounts and can write nothing, and daily sums for the dashboard.

-- The api takes this role on for one read-only database transaction (SET LOCAL ROLE). tovector_app must not inherit it,
-- or every request would see every account. Roles are cluster-wide: another database may have made it already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_reports') THEN
        CREATE ROLE tovector_reports NOLOGIN;
    END IF;
    IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'tovector_app') THEN
        ALTER ROLE tovector_app NOINHERIT;
    END IF;
    IF NOT pg_has_role('tovector_app', 'tovector_reports', 'MEMBER') THEN
        GRANT tovector_reports TO tovector_app;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation OR internal_error THEN NULL; -- two databases migrated side by side
END $$;

GRANT USAGE ON SCHEMA public TO tovector_reports;

-- Columns, not tables: nobody's address, name or file name is to be had through a report.
GRANT SELECT (user_id, created_at) ON users TO tovector_reports;
GRANT SELECT (image_id, user_id, file_type, file_size, width, height, upload_timestamp) ON images TO tovector_reports;
GRANT SELECT (job_id, user_id, kind, status, price, problem, report, created_at, started_at, finished_at)
    ON jobs TO tovector_reports;
GRANT SELECT (transaction_id, user_id, transaction_type, entry, job_id, purchase_id, reversal_id, available_delta,
    reserved_delta, credits_deducted, amount, currency, vat_info, transaction_timestamp) ON transactions TO tovector_reports;
GRANT SELECT (purchase_id, user_id, package_id, status, paid_at) ON purchases TO tovector_reports;
GRANT SELECT (package_id, name) ON credit_packages TO tovector_reports;
GRANT SELECT (user_id, action_type, action_timestamp, additional_data) ON analytics TO tovector_reports;

CREATE POLICY for_reports ON users FOR SELECT TO tovector_reports USING (true);
CREATE POLICY for_reports ON images FOR SELECT TO tovector_reports USING (true);
CREATE POLICY for_reports ON jobs FOR SELECT TO tovector_reports USING (true);
CREATE POLICY for_reports ON transactions FOR SELECT TO tovector_reports USING (true);
CREATE POLICY for_reports ON purchases FOR SELECT TO tovector_reports USING (true);
CREATE POLICY for_reports ON analytics FOR SELECT TO tovector_reports USING (true);

-- Reports ask for a span of time. Entries of money are few among many; the other tables grow in order of time, so a
-- block range index finds a span at next to no cost for those who write.
CREATE INDEX transactions_of_money ON transactions (transaction_timestamp) WHERE purchase_id IS NOT NULL;
CREATE INDEX transactions_in_time ON transactions USING brin (transaction_timestamp) WITH (autosummarize = on);
CREATE INDEX jobs_finished_in_time ON jobs USING brin (finished_at) WITH (autosummarize = on);
CREATE INDEX images_in_time ON images USING brin (upload_timestamp) WITH (autosummarize = on);
-- Whether somebody has uploaded before; the other index leaves deleted images out.
CREATE INDEX images_of_account ON images (user_id, upload_timestamp);

------------------------------------------------------------------------------------------------
-- Daily sums. What is summed never changes once its day is over, so a day is written once.
CREATE TABLE rollups (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    through         date NOT NULL,
    rolled_up_at    timestamptz NOT NULL DEFAULT house_now()
);
COMMENT ON TABLE rollups IS 'How far the daily sums go: days before `through` are in them, later ones are read live';
COMMENT ON COLUMN rollups.through IS 'The first day (UTC) that is not summed yet';

CREATE TABLE daily_sales (
    day              date NOT NULL,
    transaction_type transaction_type NOT NULL,
    country          text NOT NULL,
    package_id       text NOT NULL,
    currency         text NOT NULL,
    entries          integer NOT NULL CHECK (entries > 0),
    gross            bigint NOT NULL,
    tax              bigint NOT NULL,
    credits          numeric(14, 1) NOT NULL,
    PRIMARY KEY (day, transaction_type, country, package_id, currency)
);
COMMENT ON TABLE daily_sales IS 'Entries of money in the ledger by day (UTC), kind, country and package; what went back counts below zero';
COMMENT ON COLUMN daily_sales.country IS 'Where the VAT is due; empty where it is not known';
COMMENT ON COLUMN daily_sales.gross IS 'In minor units, tax included';

CREATE TABLE daily_jobs (
    day     date NOT NULL,
    kind    job_kind NOT NULL,
    status  job_status NOT NULL,
    jobs    integer NOT NULL CHECK (jobs > 0),
    credits numeric(14, 1) NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (day, kind, status)
);
COMMENT ON TABLE daily_jobs IS 'Ended jobs by the day (UTC) of their end, kind and outcome';
COMMENT ON COLUMN daily_jobs.credits IS 'Spent for good';

CREATE TABLE daily_durations (
    day    date NOT NULL,
    kind   job_kind NOT NULL,
    bucket smallint NOT NULL,
    jobs   integer NOT NULL CHECK (jobs > 0),
    PRIMARY KEY (day, kind, bucket)
);
COMMENT ON TABLE daily_durations IS 'How long succeeded jobs took from submit to end: a histogram a day (UTC), from which quantiles of any span follow';
COMMENT ON COLUMN daily_durations.bucket IS 'b counts durations above 1.05^(b-1) and up to 1.05^b seconds';

CREATE TABLE daily_actions (
    day        date NOT NULL,
    action     text NOT NULL,
    detail     text NOT NULL,
    actions    integer NOT NULL CHECK (actions > 0),
    newcomers  integer NOT NULL CHECK (newcomers >= 0),
    PRIMARY KEY (day, action, detail)
);
COMMENT ON TABLE daily_actions IS 'What people did by day (UTC); `detail` is the format of a download, else empty';
COMMENT ON COLUMN daily_actions.newcomers IS 'Accounts that did it for the first time';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['rollups', 'daily_sales', 'daily_jobs', 'daily_durations', 'daily_actions'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
        EXECUTE format('CREATE POLICY every_row ON %I TO tovector_maintenance USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY for_reports ON %I FOR SELECT TO tovector_reports USING (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO tovector_maintenance', name);
        EXECUTE format('GRANT SELECT ON %I TO tovector_reports', name);
    END LOOP;
END $$;
