-- What people may ask of us: consents, an export of everything held about them, and to be forgotten.

CREATE TYPE consent_purpose AS ENUM ('terms', 'privacy', 'marketing', 'analytics');
CREATE TYPE export_status AS ENUM ('queued', 'ready', 'failed');

------------------------------------------------------------------------------------------------
CREATE TABLE consents (
    consent_id uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    purpose    consent_purpose NOT NULL,
    version    text NOT NULL CHECK (version ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$'),
    is_given   boolean NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX consents_user_id ON consents (user_id, purpose, consent_id DESC);
COMMENT ON TABLE consents IS 'Every decision of a person about a text of ours; the newest for each purpose counts';
COMMENT ON COLUMN consents.version IS 'Which text it was about';

------------------------------------------------------------------------------------------------
CREATE TABLE exports (
    export_id   uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    status      export_status NOT NULL DEFAULT 'queued',
    keys        text[] NOT NULL DEFAULT '{}',
    sizes       bigint[] NOT NULL DEFAULT '{}',
    attempts    smallint NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL DEFAULT house_now(),
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    finished_at timestamptz,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT a_finished_export_says_when CHECK ((status = 'queued') = (finished_at IS NULL)),
    CONSTRAINT a_ready_export_has_parts CHECK ((status = 'ready') = (cardinality(keys) > 0)),
    CONSTRAINT every_part_has_a_size CHECK (cardinality(keys) = cardinality(sizes))
);
CREATE INDEX exports_user_id ON exports (user_id, export_id DESC);
CREATE UNIQUE INDEX one_export_at_a_time ON exports (user_id) WHERE status = 'queued';
CREATE INDEX exports_due ON exports (run_at) WHERE status = 'queued';
CREATE INDEX exports_expires_at ON exports (expires_at);
CREATE INDEX exports_keys ON exports USING gin (keys);
COMMENT ON TABLE exports IS 'Everything held about a person, as ZIP files in storage, kept for a while';
COMMENT ON COLUMN exports.keys IS 'Storage keys of its parts, in order';
COMMENT ON COLUMN exports.sizes IS 'Bytes of its parts, in the same order';
COMMENT ON COLUMN exports.run_at IS 'Not to be claimed before: the claim of a worker, or the pause between attempts';

------------------------------------------------------------------------------------------------
CREATE TABLE purges (
    user_id      uuid PRIMARY KEY REFERENCES users,
    requested_at timestamptz NOT NULL DEFAULT house_now(),
    requested_by text NOT NULL CHECK (requested_by IN ('customer', 'clerk', 'operator')),
    run_at       timestamptz NOT NULL DEFAULT house_now(),
    attempts     integer NOT NULL DEFAULT 0,
    passes       smallint NOT NULL DEFAULT 0,
    removed      jsonb NOT NULL DEFAULT '{}',
    notes        bytea,
    done_at      timestamptz
);
CREATE INDEX purges_due ON purges (run_at) WHERE done_at IS NULL;
COMMENT ON TABLE purges IS 'People who asked to be forgotten, and how far that is';
COMMENT ON COLUMN purges.passes IS 'The second pass catches what was under way during the first';
COMMENT ON COLUMN purges.removed IS 'How much of each kind was removed or made nameless';
COMMENT ON COLUMN purges.notes IS 'Encrypted: where Clerk and Stripe know the person; emptied once an operator has seen to it';

------------------------------------------------------------------------------------------------
CREATE TABLE departures (
    clerk_hash  bytea PRIMARY KEY CHECK (length(clerk_hash) = 32),
    departed_at timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX departures_departed_at ON departures (departed_at);
COMMENT ON TABLE departures IS 'Sign-ins that were left, so that neither an old session nor a late webhook brings them back';
COMMENT ON COLUMN departures.clerk_hash IS 'SHA-256 of the sign-in id, which is random and too long to be guessed';

------------------------------------------------------------------------------------------------
-- The ledger stays immutable but for one thing: it forgets who somebody was, never what was moved.
CREATE FUNCTION refuse_all_but_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    forgotten transactions := OLD;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        forgotten.credits_deducted := NEW.credits_deducted; -- computed after this
        IF NEW.vat_info = OLD.vat_info || '{"vat_id": null}' THEN
            forgotten.vat_info := NEW.vat_info;
        END IF;
        IF OLD.reason IS NOT NULL AND NEW.reason = 'forgotten' THEN
            forgotten.reason := NEW.reason;
        END IF;
        IF NEW IS NOT DISTINCT FROM forgotten THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'entries of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER transactions_are_immutable ON transactions;
CREATE TRIGGER transactions_are_immutable
    BEFORE UPDATE OR DELETE ON transactions FOR EACH ROW EXECUTE FUNCTION refuse_all_but_forgetting();
GRANT UPDATE (vat_info, reason) ON transactions TO tovector_maintenance;

------------------------------------------------------------------------------------------------
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['consents', 'exports', 'purges'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_rows ON %I TO tovector_app '
            'USING (user_id = (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid)) '
            'WITH CHECK (user_id = (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid))',
            name
        );
        EXECUTE format(
            'CREATE POLICY every_row ON %I TO tovector_maintenance USING (true) WITH CHECK (true)', name
        );
    END LOOP;
    FOREACH name IN ARRAY ARRAY['consents', 'exports', 'purges', 'departures'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON consents, purges, departures TO tovector_app;
GRANT SELECT, INSERT, UPDATE ON exports TO tovector_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON consents, exports, purges, departures TO tovector_maintenance;
GRANT DELETE ON idempotency_keys, inbox, purchases TO tovector_maintenance;
