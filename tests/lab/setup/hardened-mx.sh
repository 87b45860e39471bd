# A mail exchanger with submission on 587 and 465, as one would want it.
good_certificate /etc/ssl/certs/mail.pem /etc/ssl/private/mail.key
{ sound_main_cf; sasl_settings; } > /etc/postfix/main.cf
sasl_services >> /etc/postfix/master.cf
sasl_users
newaliases
start_postfix
