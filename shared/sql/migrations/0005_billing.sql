-- Credits for money: the catalogue, purchases, what takes credits back, and the inbox of webhooks.

CREATE TYPE purchase_status AS ENUM ('open', 'paid', 'failed', 'expired', 'refunded');
CREATE TYPE reversal_kind AS ENUM ('refund', 'dispute');
CREATE TYPE inbox_provider AS ENUM ('stripe', 'clerk');
CREATE TYPE inbox_status AS ENUM ('received', 'handled', 'set_aside');

------------------------------------------------------------------------------------------------
CREATE TABLE credit_packages (
    package_id      text PRIMARY KEY CHECK (package_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    credits         credits NOT NULL CHECK (credits > 0),
    price           integer NOT NULL CHECK (price > 0),
    currency        text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    is_active       boolean NOT NULL DEFAULT true,
    stripe_price_id text,
    created_at      timestamptz NOT NULL DEFAULT house_now(),
    -- Minor units are hundredths everywhere in the house.
    CONSTRAINT money_has_two_decimals CHECK (currency NOT IN (
        'bhd', 'bif', 'clp', 'djf', 'gnf', 'iqd', 'jod', 'jpy', 'kmf', 'krw', 'kwd', 'lyd', 'mga', 'omr',
        'pyg', 'rwf', 'tnd', 'ugx', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'
    ))
);
COMMENT ON TABLE credit_packages IS 'The price list: what can be bought; inactive packages stay for the purchases that name them';
COMMENT ON COLUMN credit_packages.price IS 'In minor units (cents), before tax';
COMMENT ON COLUMN credit_packages.stripe_price_id IS 'A price kept at Stripe; without one the price is sent with each checkout';

INSERT INTO credit_packages (package_id, name, credits, price, currency) VALUES
    ('starter', '20 credits', 20, 990, 'eur'),
    ('studio', '100 credits', 100, 3990, 'eur'),
    ('agency', '500 credits', 500, 14990, 'eur');

------------------------------------------------------------------------------------------------
CREATE TABLE purchases (
    purchase_id       uuid PRIMARY KEY,
    user_id           uuid NOT NULL REFERENCES users,
    package_id        text NOT NULL REFERENCES credit_packages,
    status            purchase_status NOT NULL DEFAULT 'open',
    credits           credits NOT NULL CHECK (credits > 0),
    amount            integer NOT NULL CHECK (amount > 0),
    currency          text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    expected_tax      jsonb,
    session_id        text UNIQUE,
    payment_intent_id text UNIQUE,
    total             integer CHECK (total >= 0),
    tax               integer CHECK (tax >= 0),
    version           integer NOT NULL DEFAULT 0,
    details           bytea,
    created_at        timestamptz NOT NULL DEFAULT house_now(),
    expires_at        timestamptz,
    paid_at           timestamptz,
    CONSTRAINT a_paid_purchase_says_when_and_how_much CHECK (
        (status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)
        AND (paid_at IS NULL OR (total IS NOT NULL AND tax IS NOT NULL))
    )
);
CREATE INDEX purchases_user_id ON purchases (user_id, purchase_id DESC);
CREATE INDEX purchases_open ON purchases (created_at) WHERE status = 'open';
CREATE INDEX purchases_created_at ON purchases (created_at);
COMMENT ON TABLE purchases IS 'One package bought once; the id is Stripe''s idempotency key and in its metadata';
COMMENT ON COLUMN purchases.amount IS 'Price of the package when it was chosen, in minor units, before tax';
COMMENT ON COLUMN purchases.expected_tax IS 'What the customer was told before the checkout; Stripe Tax decides';
COMMENT ON COLUMN purchases.total IS 'What was charged, tax included, in minor units';
COMMENT ON COLUMN purchases.version IS 'Moves on with every settlement, so that facts fetched before another one are not applied after it';
COMMENT ON COLUMN purchases.details IS 'Encrypted: name, address and links to receipt and invoice';

------------------------------------------------------------------------------------------------
CREATE TABLE reversals (
    reversal_id text PRIMARY KEY,
    purchase_id uuid NOT NULL REFERENCES purchases,
    user_id     uuid NOT NULL REFERENCES users,
    kind        reversal_kind NOT NULL,
    status      text NOT NULL,
    amount      integer NOT NULL CHECK (amount >= 0),
    tax         integer NOT NULL CHECK (tax >= 0),
    credits     credits NOT NULL CHECK (credits >= 0),
    moves       integer NOT NULL DEFAULT 1,
    happened_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX reversals_purchase_id ON reversals (purchase_id);
CREATE INDEX reversals_user_id ON reversals (user_id);
COMMENT ON TABLE reversals IS 'Refunds and disputes by Stripe''s id, and what each takes back at present';
COMMENT ON COLUMN reversals.status IS 'As Stripe says; refunds that failed and disputes that were won take nothing back';
COMMENT ON COLUMN reversals.amount IS 'Money it takes back at present, in minor units; never more than was paid';
COMMENT ON COLUMN reversals.credits IS 'Credits it takes back at present';
COMMENT ON COLUMN reversals.moves IS 'Counts its changes; each has at most one ledger entry';

------------------------------------------------------------------------------------------------
-- The ledger learns what an entry of money is about.
ALTER TABLE transactions
    ADD COLUMN purchase_id uuid REFERENCES purchases,
    ADD COLUMN reversal_id text REFERENCES reversals,
    ADD COLUMN reversal_move integer,
    ADD CONSTRAINT entries_of_money_name_their_purchase CHECK
        ((transaction_type IN ('purchase', 'refund', 'dispute')) = (purchase_id IS NOT NULL)),
    ADD CONSTRAINT reversals_are_named_with_their_move CHECK (
        (transaction_type IN ('refund', 'dispute')) = (reversal_id IS NOT NULL)
        AND (reversal_id IS NULL) = (reversal_move IS NULL)
    );
CREATE UNIQUE INDEX one_credit_per_purchase ON transactions (purchase_id) WHERE transaction_type = 'purchase';
CREATE UNIQUE INDEX one_entry_per_reversal_move ON transactions (reversal_id, reversal_move)
    WHERE reversal_id IS NOT NULL;

-- Credits that were spent before their money went back are a debt, and marked as one.
ALTER TABLE users
    ADD COLUMN debt_since timestamptz,
    DROP CONSTRAINT available_credits_never_negative,
    ADD CONSTRAINT available_credits_never_negative_except_a_marked_debt CHECK ((credit_balance < 0) = (debt_since IS NOT NULL));
COMMENT ON COLUMN users.debt_since IS 'Since when refunds or disputes have taken more than was left; such an account can reserve nothing';

------------------------------------------------------------------------------------------------
CREATE TABLE inbox (
    provider    inbox_provider NOT NULL,
    event_id    text NOT NULL,
    event_type  text NOT NULL,
    subject     text NOT NULL,
    status      inbox_status NOT NULL DEFAULT 'received',
    payload     bytea,
    reason      text,
    attempts    integer NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL DEFAULT house_now(),
    received_at timestamptz NOT NULL DEFAULT house_now(),
    handled_at  timestamptz,
    PRIMARY KEY (provider, event_id),
    CONSTRAINT what_is_set_aside_says_why CHECK ((status = 'set_aside') <= (reason IS NOT NULL)),
    CONSTRAINT a_handled_event_says_when CHECK ((status = 'received') = (handled_at IS NULL))
);
CREATE INDEX inbox_due ON inbox (run_at) WHERE status = 'received';
CREATE INDEX inbox_set_aside ON inbox (received_at) WHERE status = 'set_aside';
CREATE INDEX inbox_departed ON inbox (subject) WHERE event_type = 'user.deleted';
COMMENT ON TABLE inbox IS 'Verified webhooks, kept before they are answered and worked on later; an event id is kept once';
COMMENT ON COLUMN inbox.subject IS 'The provider''s id of what the event is about';
COMMENT ON COLUMN inbox.payload IS 'Encrypted, and emptied once the event is handled';
COMMENT ON COLUMN inbox.run_at IS 'Not to be claimed before: the claim of a worker, or the pause between attempts';

------------------------------------------------------------------------------------------------
-- What the sign-in provider tells about people.
ALTER TABLE users
    ADD COLUMN person_updated_at timestamptz,
    ADD COLUMN purge_requested_at timestamptz;
COMMENT ON COLUMN users.person_updated_at IS 'The provider''s time of what is kept of the person; older news is ignored';
COMMENT ON COLUMN users.purge_requested_at IS 'The person has left: nothing personal is in this row any more, the purge does the rest';

------------------------------------------------------------------------------------------------
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['purchases', 'reversals'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_rows ON %I TO tovector_app '
            'USING (user_id = (SELECT acting_user_id())) WITH CHECK (user_id = (SELECT acting_user_id()))',
            name
        );
        EXECUTE format(
            'CREATE POLICY every_row ON %I TO tovector_maintenance USING (true) WITH CHECK (true)', name
        );
    END LOOP;
    FOREACH name IN ARRAY ARRAY['credit_packages', 'purchases', 'reversals', 'inbox'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
    END LOOP;
END $$;

GRANT SELECT ON credit_packages TO tovector_app;
GRANT SELECT, INSERT, UPDATE ON credit_packages TO tovector_maintenance;
GRANT SELECT, INSERT, UPDATE ON purchases, reversals, inbox TO tovector_app, tovector_maintenance;
