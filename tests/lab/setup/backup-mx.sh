# Holds mail for the domains of another server, whose recipients it knows.
good_certificate /etc/ssl/certs/mail.pem /etc/ssl/private/mail.key
sound_main_cf | sed 's/^relay_domains =$/&  example.net, example.com\nrelay_recipient_maps = hash:\/etc\/postfix\/relay_recipients/' > /etc/postfix/main.cf
printf '%s OK\n' info@example.net sales@example.net postmaster@example.com > /etc/postfix/relay_recipients
postmap /etc/postfix/relay_recipients
newaliases
start_postfix
