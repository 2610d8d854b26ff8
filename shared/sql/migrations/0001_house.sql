-- The house: roles, clock, identity, the tables of the requirements, jobs, files and wake-ups.
--
-- Runs as the owner of the database. Row-level security is enabled and FORCED, so even the owner
-- sees only what a policy gives; a superuser or BYPASSRLS role (the migrator) is not bound.

-- Roles are cluster-wide and may be there already (another database, a restore).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_app') THEN
        CREATE ROLE tovector_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_maintenance') THEN
        CREATE ROLE tovector_maintenance NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- two databases migrated side by side
END $$;

GRANT USAGE ON SCHEMA public TO tovector_app, tovector_maintenance;

-- One clock for leases, expiry and history. The local stack and the tests replace its body to
-- travel in time; nothing else ever does.
CREATE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
COMMENT ON FUNCTION house_now() IS 'The house clock: every stored or compared time comes from here';

-- Who the database transaction acts for; NULL sees nothing.
CREATE FUNCTION acting_user_id() RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('app.user_id', true), '')::uuid$$;
CREATE FUNCTION acting_clerk_id() RETURNS text LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('app.clerk_id', true), '')$$;
CREATE FUNCTION acting_api_key_hash() RETURNS bytea LANGUAGE sql STABLE AS
    $$SELECT decode(nullif(current_setting('app.api_key_hash', true), ''), 'hex')$$;

CREATE TYPE file_type AS ENUM ('png', 'jpeg');
CREATE TYPE image_status AS ENUM ('processing', 'ready', 'failed', 'expired');
CREATE TYPE job_kind AS ENUM ('preview', 'vectorization');
CREATE TYPE job_status AS ENUM ('queued', 'running', 'succeeded', 'failed', 'canceled');
CREATE TYPE file_kind AS ENUM ('source', 'working', 'trace', 'result');
CREATE TYPE transaction_type AS ENUM
    ('preview', 'vectorize', 'purchase', 'grant', 'refund', 'dispute', 'correction');
CREATE TYPE ledger_entry AS ENUM ('reserve', 'capture', 'release', 'credit', 'debit');

-- Credits are exact tenths.
CREATE DOMAIN credits AS numeric(12, 1);

------------------------------------------------------------------------------------------------
CREATE TABLE users (
    user_id          uuid PRIMARY KEY,
    clerk_id         text UNIQUE,
    email            text,
    name             text,
    credit_balance   credits NOT NULL DEFAULT 0
        CONSTRAINT available_credits_never_negative CHECK (credit_balance >= 0),
    credits_reserved credits NOT NULL DEFAULT 0
        CONSTRAINT reserved_credits_never_negative CHECK (credits_reserved >= 0),
    created_at       timestamptz NOT NULL DEFAULT house_now()
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
COMMENT ON TABLE users IS 'Accounts; personal data can be emptied while the ledger stays';
COMMENT ON COLUMN users.clerk_id IS 'The sign-in provider''s id; NULL once the account is purged';
COMMENT ON COLUMN users.email IS 'As the sign-in provider told us; NULL while unknown or purged';
COMMENT ON COLUMN users.credit_balance IS 'Credits available to reserve: the sum of the ledger''s available_delta';
COMMENT ON COLUMN users.credits_reserved IS 'Credits held by unfinished jobs: the sum of reserved_delta';

------------------------------------------------------------------------------------------------
CREATE TABLE api_keys (
    api_key_id   uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    key_hash     bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    hint         text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT house_now(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_keys_user_id ON api_keys (user_id);
COMMENT ON TABLE api_keys IS 'Personal API keys; the secret itself is shown once and never kept';
COMMENT ON COLUMN api_keys.key_hash IS 'SHA-256 of the secret (256 random bits need no slow hash)';
COMMENT ON COLUMN api_keys.hint IS 'The first characters, so that a person can tell keys apart';

------------------------------------------------------------------------------------------------
CREATE TABLE images (
    image_id         uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES users,
    status           image_status NOT NULL,
    file_name        text,
    file_url         text NOT NULL,
    file_type        file_type NOT NULL,
    file_size        integer NOT NULL CHECK (file_size > 0),
    width            integer NOT NULL CHECK (width > 0),
    height           integer NOT NULL CHECK (height > 0),
    working_key      text,
    working_width    integer CHECK (working_width > 0),
    working_height   integer CHECK (working_height > 0),
    sha256           text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    attempts         smallint NOT NULL DEFAULT 0,
    fence            integer NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    run_at           timestamptz NOT NULL DEFAULT house_now(),
    problem          jsonb,
    upload_timestamp timestamptz NOT NULL DEFAULT house_now(),
    expiry_timestamp timestamptz NOT NULL,
    deleted_at       timestamptz,
    objects_gone_at  timestamptz,
    CONSTRAINT a_ready_image_has_a_working_raster CHECK (
        status <> 'ready'
        OR (working_key IS NOT NULL AND working_width IS NOT NULL AND working_height IS NOT NULL)
    ),
    CONSTRAINT a_failed_image_says_why CHECK ((status = 'failed') <= (problem IS NOT NULL))
);
CREATE INDEX images_user_id ON images (user_id, image_id DESC) WHERE deleted_at IS NULL;
CREATE INDEX images_to_expire ON images (expiry_timestamp) WHERE objects_gone_at IS NULL;
CREATE INDEX images_to_remove ON images (deleted_at)
    WHERE objects_gone_at IS NULL AND deleted_at IS NOT NULL;
CREATE INDEX images_processing ON images (lease_until) WHERE status = 'processing';
COMMENT ON TABLE images IS 'Uploaded sources; after expiry or deletion the row stays as a tombstone without the file''s name';
COMMENT ON COLUMN images.status IS 'processing: waits for the resize task; ready: jobs may run; failed: unusable; expired: objects are gone or about to be';
COMMENT ON COLUMN images.file_url IS 'Storage key of the source as uploaded; links are signed on request and never kept';
COMMENT ON COLUMN images.width IS 'Pixels as displayed, after the EXIF orientation';
COMMENT ON COLUMN images.working_key IS 'Storage key of the raster that is traced: the source itself, or the resized one';
COMMENT ON COLUMN images.fence IS 'Counts the claims of the resize task; a late worker''s fence no longer fits';
COMMENT ON COLUMN images.objects_gone_at IS 'When retention had removed every object made from this image';

------------------------------------------------------------------------------------------------
CREATE TABLE jobs (
    job_id      uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    image_id    uuid NOT NULL REFERENCES images,
    kind        job_kind NOT NULL,
    status      job_status NOT NULL DEFAULT 'queued',
    price       credits NOT NULL CHECK (price >= 0),
    options     jsonb NOT NULL,
    formats     text[] NOT NULL CHECK (cardinality(formats) > 0),
    attempts    smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    fence       integer NOT NULL DEFAULT 0 CHECK (fence >= 0),
    lease_until timestamptz,
    run_at      timestamptz NOT NULL DEFAULT house_now(),
    progress    real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    stage       text NOT NULL DEFAULT 'queued',
    problem     jsonb,
    report      jsonb,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    started_at  timestamptz,
    finished_at timestamptz,
    CONSTRAINT only_a_running_job_is_leased CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT a_finished_job_says_when CHECK
        ((status IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL)),
    CONSTRAINT a_failed_job_says_why CHECK ((status = 'failed') = (problem IS NOT NULL)),
    CONSTRAINT a_succeeded_job_has_a_report CHECK ((status = 'succeeded') = (report IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX jobs_user_id ON jobs (user_id, job_id DESC);
CREATE INDEX jobs_image_id ON jobs (image_id);
CREATE INDEX jobs_queued ON jobs (kind, run_at) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE status = 'running';
COMMENT ON TABLE jobs IS 'One paid request each: queued, running, then succeeded, failed or canceled for ever';
COMMENT ON COLUMN jobs.fence IS 'Moves on with every claim and give-back; every finish must name the fence it was given';
COMMENT ON COLUMN jobs.lease_until IS 'A running job''s claim holds until then; later the sweep takes it back';
COMMENT ON COLUMN jobs.run_at IS 'Not to be claimed before: the pause between attempts';
COMMENT ON COLUMN jobs.report IS 'What the engine measured of the result';

------------------------------------------------------------------------------------------------
CREATE TABLE files (
    storage_key text PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    image_id    uuid NOT NULL REFERENCES images,
    job_id      uuid REFERENCES jobs,
    kind        file_kind NOT NULL,
    format      text NOT NULL,
    size        integer NOT NULL CHECK (size >= 0),
    cache_key   text,
    details     jsonb,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT a_result_belongs_to_a_job CHECK ((kind = 'result') <= (job_id IS NOT NULL))
);
CREATE INDEX files_image_id ON files (image_id);
CREATE INDEX files_user_id ON files (user_id, cache_key);
CREATE UNIQUE INDEX files_result ON files (job_id, format) WHERE kind = 'result';
COMMENT ON TABLE files IS 'Every object in storage: what is there and not listed here is an orphan';
COMMENT ON COLUMN files.cache_key IS 'Of an SVG: image hash, options and engine version, so that a trace is made once';
COMMENT ON COLUMN files.details IS 'Of an SVG: the engine''s report';

------------------------------------------------------------------------------------------------
CREATE TABLE transactions (
    transaction_id        uuid PRIMARY KEY,
    user_id               uuid NOT NULL REFERENCES users,
    transaction_type      transaction_type NOT NULL,
    entry                 ledger_entry NOT NULL,
    job_id                uuid REFERENCES jobs,
    available_delta       credits NOT NULL,
    reserved_delta        credits NOT NULL,
    credits_deducted      numeric(12, 1) NOT NULL
        GENERATED ALWAYS AS (greatest(0, -(available_delta + reserved_delta))) STORED,
    amount                numeric(14, 2),
    currency              text CHECK (currency ~ '^[a-z]{3}$'),
    vat_info              jsonb,
    reason                text,
    transaction_timestamp timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT an_entry_moves_what_its_kind_says CHECK (
        CASE entry
            WHEN 'reserve' THEN available_delta <= 0 AND reserved_delta = -available_delta
            WHEN 'capture' THEN available_delta = 0 AND reserved_delta <= 0
            WHEN 'release' THEN available_delta >= 0 AND reserved_delta = -available_delta
            WHEN 'credit' THEN available_delta > 0 AND reserved_delta = 0
            WHEN 'debit' THEN available_delta < 0 AND reserved_delta = 0
        END
    ),
    CONSTRAINT job_entries_name_their_job CHECK
        ((entry IN ('reserve', 'capture', 'release')) = (job_id IS NOT NULL)),
    CONSTRAINT job_entries_are_for_jobs CHECK
        ((transaction_type IN ('preview', 'vectorize')) = (job_id IS NOT NULL)),
    CONSTRAINT hand_made_entries_say_why CHECK
        (transaction_type NOT IN ('grant', 'correction') OR length(reason) > 0)
);
CREATE INDEX transactions_user_id ON transactions (user_id, transaction_id DESC);
CREATE UNIQUE INDEX one_reservation_per_job ON transactions (job_id) WHERE entry = 'reserve';
CREATE UNIQUE INDEX one_settlement_per_job ON transactions (job_id) WHERE entry IN ('capture', 'release');
CREATE UNIQUE INDEX one_signup_grant_per_account ON transactions (user_id)
    WHERE transaction_type = 'grant' AND reason = 'sign-up';
COMMENT ON TABLE transactions IS 'The ledger: one immutable entry per movement of credits, kept for ever';
COMMENT ON COLUMN transactions.credits_deducted IS 'Credits this entry spent for good';
COMMENT ON COLUMN transactions.amount IS 'Money of a purchase or refund, gross, in major units';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER transactions_are_immutable
    BEFORE UPDATE OR DELETE ON transactions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transactions_are_never_emptied
    BEFORE TRUNCATE ON transactions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

------------------------------------------------------------------------------------------------
CREATE TABLE wakeups (
    subject_id uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    task       text NOT NULL,
    sends      smallint NOT NULL DEFAULT 0,
    send_at    timestamptz NOT NULL
);
CREATE INDEX wakeups_send_at ON wakeups (send_at);
CREATE INDEX wakeups_user_id ON wakeups (user_id);
COMMENT ON TABLE wakeups IS 'The outbox: a job or image that waits for a worker; the claim deletes its row';
COMMENT ON COLUMN wakeups.send_at IS 'When the sweep sends the message again if nobody has claimed the subject';

------------------------------------------------------------------------------------------------
CREATE TABLE analytics (
    analytics_id     uuid NOT NULL,
    user_id          uuid,
    action_type      text NOT NULL CHECK (length(action_type) <= 50),
    action_timestamp timestamptz NOT NULL DEFAULT house_now(),
    additional_data  jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (analytics_id, action_timestamp)
) PARTITION BY RANGE (action_timestamp);
CREATE INDEX analytics_user_id ON analytics (user_id, action_timestamp);
CREATE INDEX analytics_action ON analytics (action_type, action_timestamp);
COMMENT ON TABLE analytics IS 'What people did, without personal data; a partition per month, dropped after a year';

-- Log-like tables are partitioned by month. This makes the partitions of one table from this month
-- to `months_ahead` later; it runs at migration time and then daily. It runs as its owner, because
-- only the owner may add a partition. Each partition is closed to everyone: rows are reached only
-- through the parent and its policies.
CREATE FUNCTION prepare_partitions(months_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
    month date;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('prepare_partitions'));
    FOR parent IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'p' AND n.nspname = 'public'
    LOOP
        FOR i IN 0..months_ahead LOOP
            month := (date_trunc('month', house_now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
            name := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                name, parent, month || ' 00:00+00', (month + interval '1 month')::date || ' 00:00+00'
            );
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION prepare_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prepare_partitions(integer) TO tovector_maintenance;

-- Rows outside every prepared month (a clock gone wrong, sweeps down for months) are kept, not lost.
CREATE TABLE analytics_default PARTITION OF analytics DEFAULT;

------------------------------------------------------------------------------------------------
-- Row-level security: a customer reaches only their own rows; sweeps reach all.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'users', 'api_keys', 'images', 'jobs', 'files', 'transactions', 'wakeups', 'analytics',
        'analytics_default'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'images', 'jobs', 'files', 'transactions', 'wakeups', 'analytics'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY own_rows ON %I TO tovector_app '
            'USING (user_id = (SELECT acting_user_id())) WITH CHECK (user_id = (SELECT acting_user_id()))',
            name
        );
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'users', 'api_keys', 'images', 'jobs', 'files', 'transactions', 'wakeups', 'analytics'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY every_row ON %I TO tovector_maintenance USING (true) WITH CHECK (true)', name
        );
    END LOOP;
END $$;

-- An account is found by its id, or by the verified id of the sign-in provider before ours is known.
CREATE POLICY own_rows ON users TO tovector_app
    USING (user_id = (SELECT acting_user_id()) OR clerk_id = (SELECT acting_clerk_id()))
    WITH CHECK (user_id = (SELECT acting_user_id()) OR clerk_id = (SELECT acting_clerk_id()));
-- A key is found by its owner, or by whoever presents the secret.
CREATE POLICY own_rows ON api_keys TO tovector_app
    USING (user_id = (SELECT acting_user_id()) OR key_hash = (SELECT acting_api_key_hash()))
    WITH CHECK (user_id = (SELECT acting_user_id()) OR key_hash = (SELECT acting_api_key_hash()));

GRANT SELECT, INSERT, UPDATE ON users, api_keys, images, jobs TO tovector_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON wakeups TO tovector_app;
GRANT SELECT, INSERT, DELETE ON files TO tovector_app;
GRANT SELECT, INSERT ON transactions, analytics TO tovector_app;
GRANT SELECT, INSERT, UPDATE ON users, images, jobs TO tovector_maintenance;
GRANT SELECT, INSERT, UPDATE, DELETE ON wakeups, api_keys TO tovector_maintenance;
GRANT SELECT, INSERT, DELETE ON files TO tovector_maintenance;
GRANT SELECT, INSERT ON transactions, analytics TO tovector_maintenance;

SELECT prepare_partitions(2);
