-- The orders of each day (UTC), by shop and currency.
--
-- `ordered` is what customers were to pay when they ordered, with shipping and taxes. `revenue` is what remains of it after edits,
-- refunds and returns, without cancelled orders. Test orders and deleted ones are left out. An imported order counts on the day on
-- which it was placed.
SELECT
    CAST(coalesce(processed_at, created_at) AT TIME ZONE 'UTC' AS DATE) AS day,
    _tenant,
    currency,
    count(*) AS orders,
    count(*) FILTER (WHERE cancelled_at IS NOT NULL) AS cancelled,
    sum(total_price) AS ordered,
    coalesce(sum(coalesce(current_total_price, total_price)) FILTER (WHERE cancelled_at IS NULL), 0) AS revenue,
    CAST(avg(coalesce(current_total_price, total_price)) FILTER (WHERE cancelled_at IS NULL) AS DECIMAL(38, 2)) AS average
FROM orders
WHERE NOT _penstock_deleted AND test IS NOT TRUE
GROUP BY 1, 2, 3
