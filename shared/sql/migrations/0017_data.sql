-- Daily sums up to the hour, durations by month, and money that goes back without moving a credit.

-- The dashboard reads what is not summed yet row by row: up to a day of it was most of its time.
ALTER TABLE rollups ALTER COLUMN through TYPE timestamptz USING through::timestamp AT TIME ZONE 'UTC';
COMMENT ON TABLE rollups IS 'How far the daily sums go: what happened before `through` is in them, the rest is read live';
COMMENT ON COLUMN rollups.through IS 'A full hour; the day (UTC) that it lies in is summed up to there';

CREATE TABLE monthly_durations (
    month  date NOT NULL CHECK (extract(day FROM month) = 1),
    kind   job_kind NOT NULL,
    bucket smallint NOT NULL,
    jobs   bigint NOT NULL CHECK (jobs > 0),
    PRIMARY KEY (month, kind, bucket)
);
COMMENT ON TABLE monthly_durations IS 'The sums of daily_durations by month (UTC), because a year of days is tens of thousands of rows';

DO $$
BEGIN
    ALTER TABLE monthly_durations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE monthly_durations FORCE ROW LEVEL SECURITY;
    REVOKE ALL ON monthly_durations FROM PUBLIC;
    CREATE POLICY every_row ON monthly_durations TO tovector_maintenance USING (true) WITH CHECK (true);
    CREATE POLICY for_reports ON monthly_durations FOR SELECT TO tovector_reports USING (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON monthly_durations TO tovector_maintenance;
    GRANT SELECT ON monthly_durations TO tovector_reports;
END $$;

INSERT INTO monthly_durations (month, kind, bucket, jobs)
    SELECT date_trunc('month', day::timestamp)::date, kind, bucket, sum(jobs) FROM daily_durations GROUP BY 1, 2, 3;

------------------------------------------------------------------------------------------------
-- A refund of a few cents may be worth less than a tenth of a credit. The money went back all the same.
ALTER TABLE transactions
    DROP CONSTRAINT an_entry_moves_what_its_kind_says,
    ADD CONSTRAINT an_entry_moves_what_its_kind_says CHECK (
        CASE entry
            WHEN 'reserve' THEN available_delta <= 0 AND reserved_delta = -available_delta
            WHEN 'capture' THEN available_delta = 0 AND reserved_delta <= 0
            WHEN 'release' THEN available_delta >= 0 AND reserved_delta = -available_delta
            WHEN 'credit' THEN (available_delta > 0 OR available_delta = 0 AND reversal_id IS NOT NULL)
                AND reserved_delta = 0
            WHEN 'debit' THEN (available_delta < 0 OR available_delta = 0 AND reversal_id IS NOT NULL)
                AND reserved_delta = 0
        END
    );
COMMENT ON COLUMN transactions.amount IS 'Money of a purchase or refund, gross, in major units; a credit is what came, a debit what went back';

-- What was left out of the ledger until now, as one entry (of move 0) for each refund or dispute that lacks some.
WITH told AS (
    SELECT t.reversal_id, sum(m.sign * (t.amount * 100)::integer) AS amount,
        sum(m.sign * coalesce((t.vat_info ->> 'amount')::integer, 0)) AS tax
    FROM transactions t, LATERAL (SELECT CASE t.entry WHEN 'debit' THEN 1 ELSE -1 END AS sign) m
    WHERE t.reversal_id IS NOT NULL GROUP BY t.reversal_id
), owed AS (
    SELECT r.*, r.amount - coalesce(told.amount, 0) AS gross, r.tax - coalesce(told.tax, 0) AS vat
    FROM reversals r LEFT JOIN told USING (reversal_id)
    WHERE (r.amount, r.tax) <> (coalesce(told.amount, 0), coalesce(told.tax, 0))
)
INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, purchase_id, reversal_id, reversal_move,
    available_delta, reserved_delta, amount, currency, vat_info)
    SELECT (lpad(to_hex((extract(epoch FROM house_now()) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(o.reversal_id), 1, 3) || '8' || substr(md5(o.reversal_id), 4, 15))::uuid,
        o.user_id, o.kind::text::transaction_type, 'debit', o.purchase_id, o.reversal_id, 0,
        0, 0, o.gross::numeric / 100, p.currency,
        coalesce(sold.vat_info - 'evidence' - 'expected', '{}') || jsonb_build_object('amount', o.vat)
    FROM owed o JOIN purchases p USING (purchase_id)
        LEFT JOIN transactions sold ON sold.purchase_id = o.purchase_id AND sold.transaction_type = 'purchase';
