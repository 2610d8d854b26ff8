-- Guests: people who upload before they sign in. A guest is an account without a sign-in and without credits, known by
-- a secret in a cookie; row-level security keeps guests apart as it keeps accounts apart.
CREATE TABLE guests (
    user_id    uuid PRIMARY KEY REFERENCES users,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX guests_expires_at ON guests (expires_at);
COMMENT ON TABLE guests IS 'Who uploaded before signing in; their images live as long as any, and move when they are claimed';
COMMENT ON COLUMN guests.token_hash IS 'SHA-256 of the secret in the guest''s cookie (256 random bits need no slow hash)';
COMMENT ON COLUMN guests.expires_at IS 'The secret is good until then; each upload moves it on';
COMMENT ON COLUMN users.clerk_id IS 'The sign-in provider''s id; NULL for a guest, and once the account is purged';

ALTER TABLE guests ENABLE ROW LEVEL SECURITY;
ALTER TABLE guests FORCE ROW LEVEL SECURITY;
REVOKE ALL ON guests FROM PUBLIC;
-- A guest is found by id, or by whoever presents the secret.
CREATE POLICY own_rows ON guests TO tovector_app
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)
        OR token_hash = (SELECT decode(nullif(current_setting('app.guest_hash', true), ''), 'hex')))
    WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)
        OR token_hash = (SELECT decode(nullif(current_setting('app.guest_hash', true), ''), 'hex')));
CREATE POLICY every_row ON guests TO tovector_maintenance USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON guests TO tovector_app;
GRANT SELECT, DELETE ON guests TO tovector_maintenance;

-- An image changes hands: from the guest whose secret is shown to the account that the database transaction acts for.
-- Storage keys begin with their owner's id, so they change too; the objects were copied there before.
--
-- SECURITY DEFINER, because no account may write another's rows: this is the one way, and it asks for the secret.
CREATE FUNCTION claim_image(claimed uuid, shown_hash bytea) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owner uuid := acting_user_id();
BEGIN
    UPDATE images SET user_id = owner, file_url = owner || substr(file_url, 37), working_key = owner || substr(working_key, 37)
    FROM guests
    WHERE image_id = claimed AND images.user_id = guests.user_id AND token_hash = shown_hash
        AND guests.expires_at > house_now() AND status = 'ready' AND deleted_at IS NULL
        AND expiry_timestamp > house_now() AND owner IS NOT NULL
        AND NOT EXISTS (SELECT FROM guests AS others WHERE others.user_id = owner);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE files SET user_id = owner, storage_key = owner || substr(storage_key, 37) WHERE image_id = claimed;
    RETURN true;
END $$;
COMMENT ON FUNCTION claim_image IS 'Gives a guest''s image to the acting account; false when there is none to give';
REVOKE ALL ON FUNCTION claim_image FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_image TO tovector_app;
